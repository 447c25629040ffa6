// SPDX-License-Identifier: BSL-1.0
//
// One connection of a client: being opened, serving one exchange after the other, or waiting in the
// agent. It reads responses; requests are written by their own streams.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <optional>
#include <sluice/http/detail/client/connection_state.hpp>
#include <sluice/http/detail/client/opening.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/detail/message/message_reader.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <string>

namespace sluice::http::detail {

class AgentState;
class ClientExchange;

class ClientConnection final
    : public boost::intrusive_ref_counter<ClientConnection, boost::thread_unsafe_counter>,
      private OpeningOwner,
      private net::detail::SocketUser,
      private net::detail::LoopMember,
      private BodySource {
 public:
  using State = ClientConnectionState;

  ClientConnection(boost::intrusive_ptr<AgentState> agent, std::string name);
  ~ClientConnection();

  /// It is for this exchange, which begins when its turn has ended. `reused`: it has been idle.
  void promise(ClientExchange& exchange, bool reused);
  /// Opens it, or serves the exchange that it was promised to.
  void begin();
  /// Its exchange has failed. false: it was only promised, and serves another one; true: it ends.
  bool giveUp(const error_code& reason);
  /// Waits in the agent; ends after `limit` if that is not 0.
  void becomeIdle(std::chrono::milliseconds limit);
  void destroy(const error_code& reason = {});
  /// Of one that is connected: the socket's "error" brings all that is known.
  void destroy(const Error& error);
  /// "agentRemove": the agent forgets it; what it carries goes on.
  void leaveAgent();
  /// The agent forgets one that has ended.
  void leavePool();

  const std::string& name() const { return name_; }
  /// Empty if a program has moved it out.
  net::Socket& handle() { return socket_; }
  net::Socket* socketIfAny() { return socket_ ? &socket_ : nullptr; }
  net::detail::SocketCore& core() const { return *core_; }
  /// It can carry an exchange: open, and the server has not ended it.
  bool connected() const {
    return core_ && core_->state() == net::detail::SocketCore::State::open && !reader_.end();
  }
  /// The agent has not been told to forget it.
  bool inAgent() const { return inAgent_; }
  /// The exchange on it is over, and both sides would go on.
  bool isDone() const { return state_ == State::ended && exchange_ && reusable(); }
  /// What the server says about how long it keeps the connection.
  std::optional<std::chrono::milliseconds> keepAliveHint() const { return hint_; }

  // For the exchange.
  void setIdleTimeout(std::chrono::milliseconds idle);
  /// The request has ended, or lost its handle: the exchange may be over.
  void exchangeChanged();
  /// Bytes that came since the exchange began.
  std::uint64_t bytesOfExchange() const { return core_ ? core_->bytesRead() - bytesBefore_ : 0; }

 private:
  // Who ends a connection. An exchange that it still has is told so.
  enum class Ended { bySocket, here };

  void become(State next);
  void conclude(const error_code& reason, Ended ended);
  void endExchange(State before, const error_code& reason, Ended ended);
  void makeSocket();
  void attachExchange();
  bool tellReuse();
  void watch();
  void unwatch();
  void giveAway();
  void beginHead();
  void parseHead();
  void headIsComplete();
  void beginResponse();
  void readHint();
  void inform();
  void handOver(bool upgrade);
  void fail(const Error& error);
  bool requestSent() const;
  bool reusable() const;
  bool abandoned() const;
  bool unaskedBytes() const;
  void tellUnasked();
  void releaseIfDone();
  void readOn();
  void understand();
  void endWithoutMemory();
  bool readsForNobody() const;
  bool hasResponse() const { return state_ == State::body || state_ == State::ended; }
  bool isFree() const { return state_ == State::idle || state_ == State::promised; }

  // OpeningOwner
  SLUICE_DECL boost::intrusive_ptr<net::detail::SocketCore> socketToConnect() override;
  SLUICE_DECL void onOpened(net::Socket socket) override;
  SLUICE_DECL void onOpeningFailed(const Error& error) override;

  // SocketUser
  SLUICE_DECL void onInput(const error_code&, std::size_t count) override;
  SLUICE_DECL void onSent() override;
  SLUICE_DECL void onDrained() override;
  SLUICE_DECL bool onOutputBroken() override;
  SLUICE_DECL void onTurn() override;
  SLUICE_DECL bool onIdle() override;
  SLUICE_DECL void onDestroyed(const error_code&) override;

  // LoopMember
  SLUICE_DECL void onLoopEnd() override;

  // BodySource
  SLUICE_DECL const asio::any_io_executor& executor() const override;
  net::Socket& socket() override { return socket_; }
  SLUICE_DECL Piece takePiece() override;
  const HeaderBlock& trailers() const override { return reader_.trailers(); }
  std::uint64_t bytesTaken() const override { return reader_.taken(); }
  void wantInput() override {
    if (!core_->reading()) core_->callAtTurnEnd();
  }
  void eventsAreDue() override { core_->callAtTurnEnd(); }
  SLUICE_DECL void destroyIncoming(const error_code& reason) override;
  SLUICE_DECL void handleIsGone() override;
  SLUICE_DECL void bodyEnded() override;
  void setTimeout(std::chrono::milliseconds idle) override { setIdleTimeout(idle); }

  boost::intrusive_ptr<AgentState> agent_;
  // From promise() to its end it belongs to nobody but itself: the agent's pool only names it.
  boost::intrusive_ptr<ClientConnection> self_;
  std::string name_;
  boost::intrusive_ptr<Opening> opening_;
  net::Socket socket_;
  boost::intrusive_ptr<net::detail::SocketCore> core_;
  boost::intrusive_ptr<ClientExchange> exchange_;
  boost::intrusive_ptr<IncomingState> incoming_;
  MessageReader reader_{MessageParser::Kind::response, 4 * 1024};
  std::optional<Error> parseError_;
  std::optional<std::chrono::milliseconds> hint_;
  std::uint64_t bytesBefore_ = 0;
  ListenerId agentRemove_{};
  unsigned informational_ = 0;
  bool inAgent_ = true;
  State state_ = State::planned;
};

}  // namespace sluice::http::detail
