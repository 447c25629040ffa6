// SPDX-License-Identifier: BSL-1.0
//
// One request and its response, shared by the ClientRequest, the connection that carries it, and
// through it the IncomingMessage. Says which events come, and in which order.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/client/awaited_exchange.hpp>
#include <sluice/http/detail/client/wanted_request.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/detail/message/outgoing_state.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/net/detail/loop.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::detail {

class AgentState;
class ClientConnection;
class ClientExchange;

/// How far an exchange has come: all that the next request begins anew.
struct ExchangeProgress {
  // created ──► waiting ──► assigned ──► responded ──► done
  //    └───────────┴───────────┴────────────┴──► failed
  enum class State { created, waiting, assigned, responded, done, failed };
  // Emission of what is due in the end depends on who ended it.
  enum class EndedBy { peer, request, response };

  ClientRequest* handle = nullptr;
  bool abortCalled = false;
  bool reused = false;
  bool retried = false;
  // Nobody listens: "timeout" ends it.
  bool destroyedAtTimeout = false;

 protected:
  boost::intrusive_ptr<IncomingState> incoming_;
  boost::intrusive_ptr<ClientConnection> connection_;
  std::optional<IncomingMessage> held_;
  std::optional<Error> failure_;
  boost::intrusive_ptr<ClientConnection> reusable_;
  // Empty once this is gone: the user's signal may outlive it.
  std::shared_ptr<ClientExchange*> signalled_;
  std::optional<std::chrono::milliseconds> timeout_;
  std::optional<bool> noDelay_;
  std::optional<std::pair<bool, std::chrono::milliseconds>> keepAlive_;
  std::string sentCopy_;
  bool delivered_ = false;
  bool abandoned_ = false;
  State state_ = State::created;
  bool taken_ = false;
  EndedBy endedBy_ = EndedBy::peer;
  bool silent_ = false;
};

/// An exchange that is over goes back to its agent with its memory, and serves a later request.
class ClientExchange final : public ExchangeProgress,
                             public AwaitedExchange,
                             private net::detail::LoopMember,
                             private net::detail::TurnEntry,
                             private OutgoingOwner {
 public:
  /// One for a request of `agent`.
  static boost::intrusive_ptr<ClientExchange> of(AgentState& agent);
  /// One for a request with these options, through whichever agent they name.
  static boost::intrusive_ptr<ClientExchange> of(const asio::any_io_executor& executor,
                                                 RequestOptions&& options);
  ~ClientExchange();

  /// For who has not begun it.
  WantedRequest& wanted() { return wanted_; }
  /// Looks at the options.
  ///
  /// throws  ERR_INVALID_PROTOCOL, ERR_UNESCAPED_CHARACTERS, ERR_INVALID_HTTP_TOKEN,
  ///         ERR_INVALID_CHAR
  void begin();
  /// Goes to the agent at the end of this turn, when the listeners are there.
  void start();

  State state() const { return state_; }
  const RequestOptions& options() const { return wanted_.options(); }
  bool isConnect() const { return wanted_.isConnect(); }
  const std::string& name() const { return wanted_.placeName(); }
  const boost::intrusive_ptr<OutgoingState>& outgoing() const { return outgoing_; }
  net::detail::Loop& loop() const { return *loop_; }
  AgentState& agent() const { return *agent_; }
  bool over() const { return state_ == State::done || state_ == State::failed; }
  std::chrono::milliseconds idleTimeout() const;
  bool shouldKeepAlive() const;

  // From the handle.
  void composeHead(std::optional<std::uint64_t> bodyLength, bool bodyFollows);
  void abort();
  void destroy(const error_code& reason) { destroyMessage(reason); }
  /// destroy() of the response.
  void destroyResponse(const error_code& reason);
  void handleIsGone();
  SLUICE_DECL void whenAnswered(sluice::detail::Completion<void(error_code)> handler) override;
  bool answered() const override { return held_.has_value() || failure_.has_value() || taken_; }
  SLUICE_DECL IncomingMessage takeResponse() override;
  SLUICE_DECL boost::intrusive_ptr<AwaitedExchange> beginOwn(
      const asio::any_io_executor& executor) override;
  void endOwn() override { own_.reset(); }
  /// Somebody who listens has heard of the response.
  bool delivered() const { return delivered_; }
  /// Nobody has asked for the response, and nobody listens for it.
  bool unclaimed() const;
  /// The response has no handle any more.
  void abandon() { abandoned_ = true; }
  bool abandoned() const { return abandoned_; }
  void setNoDelay(bool on);
  void setKeepAlive(bool on, std::chrono::milliseconds initialDelay);

  // From the connection.
  void opening(ClientConnection& connection) { connection_ = &connection; }
  void socketAssigned(ClientConnection& connection, bool reused);
  /// What was written goes out from now on.
  void connected(ClientConnection& connection);
  void informed(const Information& information);
  /// What the response is to be kept in.
  boost::intrusive_ptr<IncomingState> freshIncoming();
  void responded(boost::intrusive_ptr<IncomingState> incoming);
  /// Whoever awaits the response goes on, from in here.
  void tellResponse();
  void handedOver(boost::intrusive_ptr<IncomingState> incoming, net::Socket& socket,
                  std::string_view head, bool upgrade);
  void sent();
  void drained();
  void idled();
  /// Response read to its end, request sent: the exchange is over. `reusable` is the connection
  /// where it can carry another one; it goes back to the agent behind "close".
  void complete(ClientConnection* reusable);
  /// It will not get any further.
  void fail(const Error& error);
  /// Runs a coroutine that listens; it keeps the exchange alive.
  void spawn(task<> listener);

 private:
  struct Waiter {
    std::uint64_t id;
    sluice::detail::Completion<void(error_code)> handler;
  };
  struct StopWaiting;
  struct AbortSignal;

  explicit ClientExchange(std::shared_ptr<net::detail::Loop> loop);

  friend void intrusive_ptr_add_ref(ClientExchange* exchange) { ++exchange->references_; }
  friend void intrusive_ptr_release(ClientExchange* exchange) {
    if (--exchange->references_ == 0) exchange->retire();
  }
  void keep() override { intrusive_ptr_add_ref(this); }
  void letGo() override { intrusive_ptr_release(this); }
  void retire();
  void reset();
  std::size_t heldBytes() const;

  SLUICE_DECL void onLoopEnd() override;
  SLUICE_DECL void onTurnEnd() override;
  SLUICE_DECL net::Socket* outgoingSocket() override;
  SLUICE_DECL void onMessageEnded() override;
  void eventsAreDue() override { later(&ClientExchange::emitSent); }
  SLUICE_DECL void destroyMessage(const error_code& reason) override;
  SLUICE_DECL void setTimeout(std::chrono::milliseconds idle) override;

  Agent& chooseAgent();
  void submitAtTurnEnd();
  void submit();
  bool retry();
  void later(void (ClientExchange::*what)());
  void emitSent();
  void emitEnd();
  void wakeWaiters();
  void stopWaiting(std::uint64_t id);

  std::shared_ptr<net::detail::Loop> loop_;
  WantedRequest wanted_;
  boost::intrusive_ptr<AgentState> agent_;
  std::unique_ptr<Agent> ownAgent_;
  boost::intrusive_ptr<OutgoingState> outgoing_;
  // What incoming_ is while there is a response.
  boost::intrusive_ptr<IncomingState> responseMemory_;
  std::vector<Waiter> waiters_;
  // The handle of a get(), which owns this; who awaits the response ends it.
  std::optional<ClientRequest> own_;
  boost::intrusive_ptr<ClientExchange> keptForTurn_;
  unsigned references_ = 0;
};

}  // namespace sluice::http::detail
