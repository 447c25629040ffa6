// SPDX-License-Identifier: BSL-1.0
//
// The life of one WebSocket: it reads one message ahead, pings, and knows who waits for what and
// how it ends. It outlives its handle until the connection is closed.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/error.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/task.hpp>
#include <sluice/web/websocket/detail/engine.hpp>
#include <sluice/web/websocket/detail/message.hpp>
#include <sluice/web/websocket/options.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::web::detail {

class WebSocketSession final
    : public boost::intrusive_ref_counter<WebSocketSession, boost::thread_unsafe_counter>,
      private net::detail::LoopMember {
 public:
  WebSocketSession(std::unique_ptr<WebSocketEngine> engine, const WebSocketOptions& options);
  WebSocketSession(const WebSocketSession&) = delete;
  WebSocketSession& operator=(const WebSocketSession&) = delete;
  ~WebSocketSession();

  /// Both have agreed: reads and pings from now on.
  void open();

  static task<std::optional<WebSocketMessage>> receive(boost::intrusive_ptr<WebSocketSession> self);
  WriteResult send(std::string_view bytes, bool binary);
  WriteResult ping(std::string_view data);
  static task<> close(boost::intrusive_ptr<WebSocketSession> self, int code, std::string reason);
  /// close() for one who does not wait.
  void leave(int code) { beginClose(code, {}); }

  /// It is over, or about to be, and not because close() was called here.
  bool endedByOther() const { return state_ != State::open && !closedHere_; }
  int closeCode() const { return closeCode_; }
  std::string_view closeReason() const { return closeReason_; }
  WebSocketEngine& engine() { return *engine_; }

 private:
  // open: messages go both ways; closing: the own close was sent, the peer's is awaited; closed: no
  // frame comes or leaves any more.
  //
  //   open ──► closing ──► closed
  //     └─────────────────────▲
  enum class State : std::uint8_t { open, closing, closed };

  using Read = WebSocketEngine::Read;
  using Waiter = sluice::detail::Completion<void(error_code)>;
  struct Closer {
    std::uint64_t id;
    Waiter handler;
  };

  // The engine is a reference: it says which loop, and arguments may be made in any order.
  WebSocketSession(std::shared_ptr<net::detail::Loop> loop,
                   std::unique_ptr<WebSocketEngine>&& engine, const WebSocketOptions& options);

  void readOn();
  void onRead(Read result);
  void ended(Read result);
  void fail(int code, http::errc error);
  void beginClose(int code, std::string_view reason);
  bool isSilent() const;
  void onTimer();
  void whenReadable(Waiter handler);
  void whenClosed(Waiter handler);
  void settle();
  SLUICE_DECL void onLoopEnd() override;
  const asio::any_io_executor& executor() const { return loop_->executor(); }

  std::shared_ptr<net::detail::Loop> loop_;
  std::unique_ptr<WebSocketEngine> engine_;
  // The next ping while it is open, then the end of the peer's time.
  net::detail::TimerEntry timer_;
  std::chrono::milliseconds pingInterval_;
  std::chrono::milliseconds closeTimeout_;

  Waiter receiver_;
  std::vector<Closer> closers_;
  std::optional<http::errc> error_;  // what the peer did wrong
  std::string closeReason_;
  std::uint64_t bytesAtPing_ = 0;
  std::uint64_t sentAtPing_ = 0;
  std::size_t waitingAtPing_ = 0;
  int closeCode_ = 0;
  State state_ = State::open;
  bool reading_ = false;
  bool held_ = false;        // a message waits for receive()
  bool asked_ = false;       // an answer to a ping is due
  bool closedHere_ = false;  // close() was called while it was open
  bool lost_ = false;        // the connection has ended without a close
};

}  // namespace sluice::web::detail
