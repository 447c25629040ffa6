// SPDX-License-Identifier: BSL-1.0
//
// One connection of a server: the coroutine that reads a head, runs the handler, finishes the
// response and goes on. It keeps order and knows when the connection ends; what a request and its
// answer need, the exchange has. After its answer it rests, unless requests come often: the
// coroutine ends, and the exchange goes back to the server until there is something to read.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstddef>
#include <memory>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/list.hpp>
#include <sluice/error.hpp>
#include <sluice/http/detail/reuse.hpp>
#include <sluice/http/detail/server/connection_state.hpp>
#include <sluice/http/detail/server/exchange.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string_view>

namespace sluice::http::detail {

class ServerState;

class ServerConnection final
    : private net::detail::SocketUser,
      public boost::intrusive_ref_counter<ServerConnection, boost::thread_unsafe_counter>,
      public sluice::detail::Linked<ServerConnection> {
 public:
  using State = ServerConnectionState;

  ServerConnection(boost::intrusive_ptr<ServerState> server, net::Socket socket);
  ~ServerConnection();

  void start();
  /// No request is being received or answered.
  bool idle() const { return isIdle(state_); }
  bool upgraded() const { return state_ == State::upgraded; }
  /// For an upgraded one: its socket emits "shutdown".
  void tellShutdown();
  /// The time that shutdown() gave it is over, also for a socket that was moved out.
  void endUpgraded();
  bool gone() const { return state_ == State::gone; }
  /// Nothing else will be answered.
  bool over() const { return gone() || state_ == State::closing; }
  /// Ends everything at once. What the handler awaits is cancelled if the options say so, and
  /// always with `inAnyCase`.
  void destroy(bool inAnyCase = false);
  /// The head or the whole request takes too long.
  bool isLate(net::detail::TimePoint now) const;
  /// Answers 408.
  void refuseLate();
  /// Called now and then while it is awake: begins to rest if nothing has come since the last
  /// call. true: the next call may find it so.
  bool restIfIdle();

  // For the exchange.
  ServerState& server() const { return *server_; }
  net::Socket& socket() { return socket_; }
  net::detail::SocketCore& core() const { return *core_; }
  net::detail::OutputStream& output() const { return core_->output(); }
  /// How many requests have come so far.
  std::size_t requests() const { return requests_; }

 private:
  // How far the head of the next message has come; none: there will be none.
  enum class Head { partial, complete, none };

  using Wake = sluice::detail::Completion<void()>;
  struct MovedOut;

  void become(State to);

  // From rest to rest.
  void spawn();
  bool rest();
  bool hasNothing() const;
  void resume();
  void failed(const std::exception_ptr& failure);
  void endWithoutMemory();
  void ended();
  void releaseExchange();
  void giveExchangeBack();
  void secured();
  void cancelHandler();

  // From request to request.
  task<> run(boost::intrusive_ptr<ServerConnection> self);
  void beginHead();
  Head readHead();
  void messageBegins();
  void beginExchange();
  task<> handOver();
  void handlerReturned(const std::exception_ptr& failure);
  bool endExchange();
  Fate fate() const;
  bool dropsNext() const;

  // To the end.
  bool refusesBody() { return exchange_->bodyRefused() && !over() && refuseBody(); }
  bool refuseBody();
  void refuse(const Error& error);
  void refuseWith(const Error& error, std::string_view reply);
  void tellClientError(const Error& error);
  void closeUnlessKept();
  void endWithPeer();
  void peerEnded();
  void tellEnd();

  void whenInputArrived(Wake handler);
  void wake();
  void wakeSoon();
  bool wantsRead() const;
  MessageReader& reader() { return exchange_->reader; }
  const MessageReader& reader() const { return exchange_->reader; }
  // The coroutine waits for a head, or for the rest of one.
  bool awaitsHead() const {
    return state_ == State::idle || state_ == State::quiet || state_ == State::head;
  }
  // The coroutine ends, or has ended, until there is something to read.
  bool suspends() const { return state_ == State::suspending || state_ == State::recalled; }
  bool exchanging() const { return state_ == State::handler || state_ == State::finishing; }

  // SocketUser
  SLUICE_DECL void onInput(const error_code&, std::size_t count) override;
  SLUICE_DECL void onSent() override;
  SLUICE_DECL void onDrained() override;
  SLUICE_DECL void onTurn() override;
  SLUICE_DECL bool onIdle() override;
  SLUICE_DECL void onDestroyed(const error_code&) override;

  std::size_t requests_ = 0;
  boost::intrusive_ptr<ServerState> server_;
  net::Socket socket_;
  boost::intrusive_ptr<net::detail::SocketCore> core_;
  // None while it rests.
  std::unique_ptr<ServerExchange> exchange_;
  asio::cancellation_signal cancel_;
  // While it rests, in the place of the coroutine.
  boost::intrusive_ptr<ServerConnection> self_;
  net::detail::TimePoint messageStart_;
  State state_;
  // Of a request or of an upgrade. It goes on for a while if the connection is closing or gone.
  bool handlerRuns_ = false;
  // The last message came soon after the one before, or none has come since it woke up.
  bool staysAwake_ = true;
  bool keepAliveTimer_ = false;  // it runs in the place of the server's timeout
};

}  // namespace sluice::http::detail
