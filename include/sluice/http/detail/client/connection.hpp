// SPDX-License-Identifier: BSL-1.0
//
// One connection of a client: being opened, serving one exchange after the other, or waiting in the
// agent. It reads responses; requests are written by their own streams.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <sluice/http/detail/client/opening.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/detail/message/message_reader.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <string>

namespace sluice::http::detail {

class AgentState;
class ClientExchange;

class ClientConnection final : public Opening,
                               private net::detail::SocketUser,
                               private net::detail::ConnectHook,
                               private net::detail::LoopMember,
                               private BodySource {
 public:
  ClientConnection(boost::intrusive_ptr<AgentState> agent, std::string name);
  SLUICE_DECL ~ClientConnection() override;

  /// Opens it for its first exchange, which has asked for it.
  void open(ClientExchange& exchange);
  /// Serves an exchange, `reused` where it has been idle in between.
  void assign(ClientExchange& exchange, bool reused);
  /// Waits in the agent; ends after `limit` where that is not 0.
  void becomeIdle(std::chrono::milliseconds limit);
  void destroy(const error_code& reason = {});
  /// Of one that is connected: the socket's "error" brings all that is known.
  void destroy(const Error& error);
  /// "agentRemove": the agent forgets it; what it carries goes on.
  void leaveAgent();

  const std::string& name() const { return name_; }
  net::Socket* socketIfAny() { return socket_ ? &socket_ : nullptr; }
  /// It can carry an exchange: open, and the server has not ended it.
  bool connected() const {
    return core_ && core_->state() == net::detail::SocketCore::State::open && !reader_.end();
  }
  /// The agent has not been told to forget it.
  bool inAgent() const { return inAgent_; }
  /// Ended from here, not by the server.
  bool destroyedHere() const { return destroyedHere_; }
  /// What the server says about how long it keeps the connection.
  std::optional<std::chrono::milliseconds> keepAliveHint() const { return hint_; }

  // For the exchange.
  void setIdleTimeout(std::chrono::milliseconds idle);
  void callAtTurnEnd() { core_->callAtTurnEnd(); }
  std::uint64_t bytesOfExchange() const { return core_ ? core_->bytesRead() - bytesBefore_ : 0; }

 private:
  // opening ──► head ──► body ──► ended ──► idle ──► head …
  //    │          │        │        │         ├──► leaving ──┐   "agentRemove"
  //    └──────────┴────────┴────────┴─────────┴──────────────┴──► gone
  enum class Phase { opening, head, body, ended, idle, leaving, gone };

  struct OpeningIsOver;
  struct StopOpening;

  SLUICE_DECL Agent* opener() const override;
  SLUICE_DECL void opened(net::Socket socket, const std::exception_ptr& failure) override;
  void adopt(net::Socket socket);
  void attachExchange();
  bool tellReuse();
  void watch();
  void unwatch();
  void giveAway();
  void beginHead();
  void parseHead();
  void headIsComplete();
  void inform();
  void handOver(bool upgrade);
  void fail(const Error& error);
  Error destroyedWhileOpening() const;
  void releaseIfDone();
  void readHint();
  bool answered() const { return phase_ == Phase::body || phase_ == Phase::ended; }

  // SocketUser
  SLUICE_DECL void onInput(const error_code&, std::size_t count) override;
  SLUICE_DECL void onSent() override;
  SLUICE_DECL void onDrained() override;
  SLUICE_DECL void onTurn() override;
  SLUICE_DECL bool onIdle() override;
  SLUICE_DECL void onDestroyed(const error_code&) override;

  // LoopMember
  SLUICE_DECL void onLoopEnd() override;

  // ConnectHook
  SLUICE_DECL boost::intrusive_ptr<net::detail::SocketCore> onConnecting() override;

  // BodySource
  SLUICE_DECL asio::any_io_executor executor() const override;
  net::Socket& socket() override { return socket_; }
  SLUICE_DECL Piece takePiece() override;
  const HeaderBlock& trailers() const override { return reader_.trailers(); }
  void wantInput() override {
    if (!core_->reading()) core_->callAtTurnEnd();
  }
  void eventsAreDue() override { core_->callAtTurnEnd(); }
  SLUICE_DECL void destroyIncoming(const error_code& reason) override;
  SLUICE_DECL void handleIsGone() override;
  SLUICE_DECL void bodyEnded() override;
  void setTimeout(std::chrono::milliseconds idle) override { setIdleTimeout(idle); }

  boost::intrusive_ptr<AgentState> agent_;
  // From open() to its end it belongs to nobody but itself: the agent's pool only names it.
  boost::intrusive_ptr<ClientConnection> self_;
  std::string name_;
  net::Socket socket_;
  boost::intrusive_ptr<net::detail::SocketCore> core_;
  boost::intrusive_ptr<ClientExchange> exchange_;
  boost::intrusive_ptr<IncomingState> incoming_;
  MessageReader reader_{MessageParser::Kind::response, 4 * 1024};
  std::optional<Error> parseError_;
  std::optional<std::chrono::milliseconds> hint_;
  std::uint64_t bytesBefore_ = 0;
  // What the socket was destroyed with while it was being opened.
  error_code openingReason_;
  // Ends the attempt to open it.
  std::shared_ptr<asio::cancellation_signal> opening_;
  ListenerId agentRemove_{};
  unsigned informational_ = 0;
  bool destroyedHere_ = false;
  bool inAgent_ = true;
  bool responseDropped_ = false;  // the user has no handle of it any more
  Phase phase_ = Phase::opening;
};

}  // namespace sluice::http::detail
