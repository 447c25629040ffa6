// SPDX-License-Identifier: BSL-1.0
//
// One request and its response, shared by the ClientRequest, the connection that carries it, and
// through it the IncomingMessage. Says which events come, and in which order.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/incoming_state.hpp>
#include <sluice/http/detail/outgoing_state.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/net/detail/loop.hpp>
#include <string>
#include <vector>

namespace sluice::http::detail {

class AgentState;
class ClientConnection;

class ClientExchange final
    : public boost::intrusive_ref_counter<ClientExchange, boost::thread_unsafe_counter>,
      private net::detail::LoopMember,
      private OutgoingOwner {
 public:
  // created ──► waiting ──► assigned ──► responded ──► done
  //    └───────────┴───────────┴────────────┴──► failed
  enum class State { created, waiting, assigned, responded, done, failed };

  ClientExchange(asio::any_io_executor executor, RequestOptions&& options);
  ~ClientExchange();

  /// Goes to the agent at the end of this turn, when the listeners are there.
  void start();

  State state() const { return state_; }
  const RequestOptions& options() const { return options_; }
  const std::string& name() const { return name_; }
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
  void whenAnswered(sluice::detail::Completion<void(error_code)> handler);
  bool answered() const { return held_.has_value() || failure_.has_value() || taken_; }
  IncomingMessage takeResponse();
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
  void responded(boost::intrusive_ptr<IncomingState> incoming);
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

  ClientRequest* handle = nullptr;
  bool abortCalled = false;
  bool reused = false;
  bool retried = false;

 private:
  // Emission of what is due in the end depends on who ended it.
  enum class EndedBy { peer, request, response };

  struct Waiter {
    std::uint64_t id;
    sluice::detail::Completion<void(error_code)> handler;
  };
  struct StopWaiting;
  struct AbortSignal;

  void onLoopEnd() override;
  net::Socket* outgoingSocket() override;
  void onMessageEnded() override;
  void eventsAreDue() override { later(&ClientExchange::emitSent); }
  void destroyMessage(const error_code& reason) override;
  void setTimeout(std::chrono::milliseconds idle) override;

  void resolve();
  void addDefaultHeaders();
  void submit();
  bool retry();
  void later(void (ClientExchange::*what)());
  void emitSent();
  void emitEnd();
  void wakeWaiters();
  void stopWaiting(std::uint64_t id);

  std::shared_ptr<net::detail::Loop> loop_;
  RequestOptions options_;
  std::string name_;
  boost::intrusive_ptr<AgentState> agent_;
  std::unique_ptr<Agent> ownAgent_;
  boost::intrusive_ptr<OutgoingState> outgoing_;
  boost::intrusive_ptr<IncomingState> incoming_;
  boost::intrusive_ptr<ClientConnection> connection_;
  std::optional<IncomingMessage> held_;
  std::optional<Error> failure_;
  std::vector<Waiter> waiters_;
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

}  // namespace sluice::http::detail

#if !defined(SLUICE_SEPARATE_COMPILATION)
// The definitions need requests as well, whose header ends with all of them.
#include <sluice/http/client_request.hpp>
#endif
