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
#include <sluice/detail/sight.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/client/awaited_exchange.hpp>
#include <sluice/http/detail/client/exchange_state.hpp>
#include <sluice/http/detail/client/lent_responses.hpp>
#include <sluice/http/detail/client/wanted_request.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/detail/message/outgoing_state.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/net/detail/loop.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http::detail {

class AgentState;
class ClientConnection;
class ClientExchange;

/// How far an exchange has come: all that the next request begins anew.
struct ExchangeProgress {
  using State = ExchangeState;
  // Who ended it: what is due in the end depends on that. `here`: this side, but neither message.
  enum class EndedBy { peer, here, request, response };

  ClientRequest* handle = nullptr;
  bool abortCalled = false;
  bool reused = false;
  bool retried = false;
  // Nobody listens: "timeout" ends it.
  bool destroyedAtTimeout = false;

 protected:
  boost::intrusive_ptr<IncomingState> incoming_;
  boost::intrusive_ptr<ClientConnection> connection_;
  // What the response is for listeners and for response(). Empty: there is none any more.
  IncomingMessage held_;
  std::optional<Error> failure_;
  // It goes back to the agent after "close".
  boost::intrusive_ptr<ClientConnection> reusable_;
  // It has ended, and the agent forgets it after "error".
  boost::intrusive_ptr<ClientConnection> ended_;
  // Empty once this is gone: the user's signal may outlive it.
  std::shared_ptr<ClientExchange*> signalled_;
  std::optional<std::chrono::milliseconds> timeout_;
  std::optional<bool> noDelay_;
  std::optional<std::pair<bool, std::chrono::milliseconds>> keepAlive_;
  std::string sentCopy_;
  observe::detail::Beginning beginning_;
  unsigned running_ = 0;  // coroutines that listen
  State state_ = State::created;
  ResponseHandle response_ = ResponseHandle::none;
  EndedBy endedBy_ = EndedBy::peer;
  // response() throws failure_, and no event tells of it.
  bool failsInSilence_ = false;
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
  /// One for a request with these options, through the agent that they name.
  ///
  /// throws  ERR_INVALID_ARG_VALUE if that one is at home on another executor,
  ///         ERR_STREAM_DESTROYED if it is gone
  static boost::intrusive_ptr<ClientExchange> of(const asio::any_io_executor& executor,
                                                 RequestOptions&& options);
  ~ClientExchange();

  /// For a caller that has not begun it.
  WantedRequest& wanted() { return wanted_; }
  /// Looks at the options.
  ///
  /// throws  ERR_INVALID_PROTOCOL, ERR_UNESCAPED_CHARACTERS, ERR_INVALID_HTTP_TOKEN,
  ///         ERR_INVALID_CHAR
  void begin();
  /// Takes its place in the agent, and begins at the end of this turn, when the listeners are
  /// there.
  void start();
  /// Its connection is opened, or used, at the end of this turn.
  void beginAtTurnEnd();

  State state() const { return state_; }
  const RequestOptions& options() const { return wanted_.options(); }
  bool isConnect() const { return wanted_.isConnect(); }
  const std::string& name() const { return wanted_.placeName(); }
  const boost::intrusive_ptr<OutgoingState>& outgoing() const { return outgoing_; }
  net::detail::Loop& loop() const { return *loop_; }
  AgentState& agent() const { return *agent_; }
  bool over() const { return state_ == State::done || state_ == State::failed; }
  /// Its turn has ended: it can use a connection.
  bool begun() const { return state_ != State::created; }
  bool hasSocket() const { return state_ == State::assigned || state_ == State::responded; }
  std::chrono::milliseconds idleTimeout() const;
  bool shouldKeepAlive() const;

  // From the handle.
  void composeHead(std::optional<std::uint64_t> bodyLength, bool bodyFollows);
  void abort();
  void handleIsGone();
  void setNoDelay(bool on);
  void setKeepAlive(bool on, std::chrono::milliseconds initialDelay);
  /// Runs a coroutine that listens; it keeps the exchange alive.
  void spawn(task<> listener);

  // From a coroutine that waits for the response.
  SLUICE_DECL void whenAnswered(sluice::detail::Completion<void(error_code)> handler) override;
  bool answered() const override {
    return response_ != ResponseHandle::none || failure_.has_value();
  }
  SLUICE_DECL IncomingMessage takeResponse() override;
  SLUICE_DECL boost::intrusive_ptr<AwaitedExchange> beginOwn(
      const asio::any_io_executor& executor) override;
  void endOwn() override { own_.reset(); }

  // From the connection.
  /// It will carry this exchange. `wasIdle`: it has served another one before.
  void promised(ClientConnection& connection, bool wasIdle);
  /// It has ended before that: the agent finds another one.
  void promiseBroken();
  void socketAssigned();
  /// What was written goes out from now on.
  void connected(ClientConnection& connection);
  void informed(const Information& information);
  /// What the response is to be kept in.
  boost::intrusive_ptr<IncomingState> freshIncoming();
  void responded(boost::intrusive_ptr<IncomingState> incoming, bool keepAlive);
  /// Coroutines that wait for the response go on, from in here.
  void tellResponse();
  /// The response has no handle any more.
  void dropResponse() { response_ = ResponseHandle::dropped; }
  bool responseDropped() const { return response_ == ResponseHandle::dropped; }
  /// The response was read to its end, and the request is still being sent.
  void responseIsOver() {
    if (response_ != ResponseHandle::held) incoming_->emitClose();
  }
  /// destroy() of the response.
  void destroyResponse(const error_code& reason);
  void handedOver(boost::intrusive_ptr<IncomingState> incoming, net::Socket& socket,
                  std::string_view head, bool upgrade);
  void sent();
  void drained();
  void idled();
  /// "error" of what came after a complete response, which goes on.
  void tell(const Error& error);
  /// Response read to its end, request sent: the exchange is over. A connection that is `reusable`
  /// goes back to the agent after "close".
  void complete(ClientConnection& connection, bool reusable);
  /// It will not get any further, and "error" says why.
  void fail(EndedBy by, const Error& error) { end(by, error, true); }
  /// The same, if there is no response: one that is cut short says so itself.
  void cutShort(EndedBy by, const Error& error) { end(by, error, state_ != State::responded); }
  /// The agent forgets this connection when the exchange has told of its end.
  bool forgets(const ClientConnection& connection) const { return ended_.get() == &connection; }

 private:
  struct Waiter {
    std::uint64_t id;
    sluice::detail::Completion<void(error_code)> handler;
  };
  struct StopWaiting;
  struct AbortSignal;
  struct ListenerEnded;
  struct TellLate;

  explicit ClientExchange(std::shared_ptr<net::detail::Loop> loop);

  friend void intrusive_ptr_add_ref(ClientExchange* exchange) { ++exchange->references_; }
  friend void intrusive_ptr_release(ClientExchange* exchange) {
    if (--exchange->references_ == 0) exchange->retire();
  }
  void keep() override { intrusive_ptr_add_ref(this); }
  void release() override { intrusive_ptr_release(this); }
  void retire();
  void reset();
  std::size_t heldBytes() const;

  SLUICE_DECL void onLoopEnd() override;
  SLUICE_DECL void onTurnEnd() override;
  SLUICE_DECL net::Socket* outgoingSocket() override;
  SLUICE_DECL void onMessageEnded() override;
  void eventsAreDue() override { later(&ClientExchange::emitSent); }
  SLUICE_DECL void destroyMessage(const error_code& reason) override;
  SLUICE_DECL void destroyMessageWith(const Error& reason) override;
  SLUICE_DECL void setTimeout(std::chrono::milliseconds idle) override;

  void become(State next);
  observe::Request observed() const;
  void observeBeginning();
  void observeSocket();
  void observeEnd(const error_code& reason);
  Agent& chooseAgent();
  void askToContinue();
  void endWithoutMemory();
  bool retry();
  void end(EndedBy by, const Error& error, bool told);
  void stopResponse(EndedBy by, const error_code& reason);
  void giveUp(const error_code& reason);
  void dropWhatHasCome();
  void abandonUnread();
  /// Makes the message that listeners get.
  void lend(boost::intrusive_ptr<IncomingState> incoming);
  IncomingMessage& message() { return lent_ ? *lent_ : held_; }
  /// Nobody can read the response any more.
  void dropMessage() { message() = IncomingMessage(); }
  void later(void (ClientExchange::*what)());
  template <class Events, fixed_string Name, class... Args>
  bool tellAll(Args&&... args);
  void emitSent();
  void emitEnd();
  void tellLate(boost::intrusive_ptr<IncomingState> incoming);
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
  net::detail::TimerEntry deadline_;
  // What listeners were lent in the place of held_: it stays when this is used again.
  LentResponses::Lent lent_;
  // The handle of a get(), which owns this; the coroutine that awaits the response ends it.
  std::optional<ClientRequest> own_;
  boost::intrusive_ptr<ClientExchange> keptForTurn_;
  unsigned references_ = 0;
};

}  // namespace sluice::http::detail
