// SPDX-License-Identifier: BSL-1.0
//
// One connection of a server: the coroutine that reads a head, runs the handler, finishes the
// response and goes on. It moves bytes and keeps order; what they mean, others know. Where nothing
// comes for a while it rests: the coroutine ends, and all that a request needs goes back to the
// server until there is something to read.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/http/detail/incoming_state.hpp>
#include <sluice/http/detail/message_pair.hpp>
#include <sluice/http/detail/message_reader.hpp>
#include <sluice/http/detail/outgoing_state.hpp>
#include <sluice/http/server_response.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string>
#include <string_view>

namespace sluice::http::detail {

class ServerState;

class ServerConnection;

/// What a connection needs from the first byte of a request to the end of its answer. Its memory
/// serves many requests.
struct ServerWork final : private net::detail::LoopMember {
  ServerWork(net::detail::Loop& loop, std::unique_ptr<MessagePair> pair)
      : LoopMember(loop), messages(std::move(pair)) {}

  // Null where it is spare.
  ServerConnection* connection = nullptr;

  MessageReader reader{MessageParser::Kind::request, 2048};
  boost::intrusive_ptr<IncomingState> incoming{new IncomingState};
  boost::intrusive_ptr<OutgoingState> outgoing{new OutgoingState};
  std::unique_ptr<MessagePair> messages;
  // The coroutine, where it waits.
  sluice::detail::Completion<void()> waiting;

 private:
  SLUICE_DECL void onLoopEnd() override;
};

class ServerConnection final
    : public boost::intrusive_ref_counter<ServerConnection, boost::thread_unsafe_counter>,
      private net::detail::SocketUser,
      private BodySource,
      private OutgoingOwner {
 public:
  ServerConnection(boost::intrusive_ptr<ServerState> server, net::Socket socket);
  ~ServerConnection();

  void start();
  /// No request is being received or answered.
  bool idle() const { return phase_ == Phase::securing || (phase_ == Phase::head && !started_); }
  bool upgraded() const { return phase_ == Phase::upgraded; }
  /// Ends everything at once. What the handler awaits is cancelled where the options say so, and
  /// always with `inAnyCase`.
  void destroy(bool inAnyCase = false);
  /// Answers 408 where the head or the whole request takes too long.
  void checkTimeouts(net::detail::TimePoint now);
  /// Called now and then: begins to rest where nothing has come since the last call.
  void restIfIdle();
  /// Nobody will be resumed, and the coroutine must not keep itself by what it waits for.
  void onLoopEnd();

  // For ServerResponse.
  void composeHead(ByteBuffer& out, ServerResponse& res, std::string_view reason,
                   const Headers* headers, std::optional<std::uint64_t> bodyLength);
  void sendInformation();
  void continueIsSent() { awaitsContinue_ = false; }
  MessagePair& messages() { return *work_->messages; }
  const boost::intrusive_ptr<OutgoingState>& outgoing() const { return work_->outgoing; }

  // Links of the server's list.
  ServerConnection* previous = nullptr;
  ServerConnection* next = nullptr;

 private:
  // securing: TLS shakes hands; head: reading one; handler: it runs; finishing: the response
  // leaves, the rest of the body is read; upgraded: the socket is somebody else's; closing: the
  // last bytes leave; gone.
  //
  //   securing
  //     ▼
  //   head ──► handler ──► finishing ──► head …
  //     ├────────┬─────────────┴──► closing ──► gone
  //     └──► upgraded
  enum class Phase { securing, head, handler, finishing, upgraded, closing, gone };

  // awake ──► lyingDown ──► resting ──► awake …
  // While it lies down the coroutine is on its way to its end.
  enum class Rest { awake, lyingDown, resting };

  // How far the head of the next message has come; none: there will be none.
  enum class Head { partial, complete, none };

  using RequestHandler =
      std::shared_ptr<sluice::detail::CoroutineHandler<task<>(IncomingMessage&, ServerResponse&)>>;
  using Wake = sluice::detail::Completion<void()>;
  struct MovedOut;

  void spawn();
  task<> run(boost::intrusive_ptr<ServerConnection> self);
  void getUp();
  void ended();
  void releaseWork();
  void resetMessages();
  void secured();
  task<> handOver();
  void beginHead();
  Head readHead();
  void beginExchange();
  RequestHandler chooseHandler();
  void handlerReturned(const std::exception_ptr& failure);
  bool sendsOn();
  bool discardsRest();
  bool endExchange();
  bool readsOn() const;
  bool takesUpgrade();
  void handlerFailed(const std::exception_ptr& failure);
  void endForHandler();
  void endWithPeer();
  void reportHandlerError(const std::exception_ptr& failure);
  void answerEmpty(int status);
  void refuse(const error_code& code, std::string_view reason);
  void refuseWith(const Error& error, std::string_view reply);
  void closeSoon();
  bool dropsNext() const;
  void cancelHandler();
  void peerEnded();
  void whenInputArrived(Wake handler);
  void wake();
  void wakeSoon();
  bool wantsRead() const;
  asio::mutable_buffer inputRoom();
  void emitEvents();
  MessageReader& reader() { return work_->reader; }
  const MessageReader& reader() const { return work_->reader; }
  IncomingState& incoming() const { return *work_->incoming; }
  OutgoingState& outgoingState() const { return *work_->outgoing; }
  net::detail::OutputStream& output() const { return core_->output(); }
  bool gone() const { return phase_ == Phase::gone; }
  bool over() const { return gone() || phase_ == Phase::closing; }

  // SocketUser
  SLUICE_DECL void onInput(const error_code&, std::size_t count) override;
  SLUICE_DECL void onSent() override;
  SLUICE_DECL void onDrained() override;
  SLUICE_DECL void onTurn() override;
  SLUICE_DECL bool onIdle() override;
  SLUICE_DECL void onDestroyed(const error_code&) override;

  // BodySource and OutgoingOwner
  asio::any_io_executor executor() const override { return core_->loop().executor(); }
  net::Socket& socket() override { return socket_; }
  net::Socket* outgoingSocket() override { return &socket_; }
  SLUICE_DECL Piece takePiece() override;
  const HeaderBlock& trailers() const override { return work_->reader.body.trailers(); }
  void wantInput() override {
    if (!core_->reading()) core_->callAtTurnEnd();
  }
  void eventsAreDue() override { core_->callAtTurnEnd(); }
  SLUICE_DECL void destroyMessage(const error_code& reason) override;
  void setTimeout(std::chrono::milliseconds idle) override { core_->setTimeout(idle); }
  SLUICE_DECL void onMessageEnded() override;

  boost::intrusive_ptr<ServerState> server_;
  net::Socket socket_;
  boost::intrusive_ptr<net::detail::SocketCore> core_;
  // None while it rests.
  std::unique_ptr<ServerWork> work_;
  asio::cancellation_signal cancel_;
  // While it rests, in the place of the coroutine.
  boost::intrusive_ptr<ServerConnection> self_;
  net::detail::TimePoint messageStart_;
  std::size_t requests_ = 0;
  Phase phase_ = Phase::head;
  Rest rest_ = Rest::awake;
  bool wokenEarly_ = false;      // something came while it was lying down
  bool quiet_ = false;           // nothing has come since restIfIdle() looked
  bool started_ = false;         // a byte of the current message has come
  bool awaitsContinue_ = false;  // the client waits for a 100 that was not sent
  bool bodyRefused_ = false;
  bool handlerRuns_ = false;
  bool keepAliveTimer_ = false;  // it runs in the place of the server's timeout
  bool destroyedHere_ = false;
};

}  // namespace sluice::http::detail

#if !defined(SLUICE_SEPARATE_COMPILATION)
// The definitions need the whole server, whose header ends with all of them.
#include <sluice/http/server.hpp>
#endif
