// SPDX-License-Identifier: BSL-1.0
//
// One request and its answer on a server: the states of both messages, the reader that the request
// comes from, and what is done for a handler that fails or forgets. An exchange serves request
// after request while its connection is awake; then it goes back to the server.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/list.hpp>
#include <sluice/detail/listeners.hpp>
#include <sluice/detail/sight.hpp>
#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/detail/message/message_pool.hpp>
#include <sluice/http/detail/message/message_reader.hpp>
#include <sluice/http/detail/message/outgoing_state.hpp>
#include <sluice/http/options.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string_view>

namespace sluice::http::detail {

class ServerConnection;
class ServerState;

class ServerExchange final : public sluice::detail::Linked<ServerExchange>,
                             private net::detail::LoopMember,
                             private BodySource,
                             private OutgoingOwner {
 public:
  using RequestHandler = sluice::detail::HandlerPointer<task<>(IncomingMessage&, ServerResponse&)>;

  ServerExchange(net::detail::Loop& loop, const ServerOptions& options);
  ~ServerExchange();

  /// Whose requests it serves from now on.
  void attach(ServerConnection& connection);
  /// Nobody's.
  void detach();

  /// The head of a request is in the reader: the messages come to life.
  void begin();
  /// The connection stops being HTTP: CONNECT, or an upgrade to what somebody here speaks.
  bool becomesTunnel();
  /// The handler for the request; none if it is answered from here.
  RequestHandler chooseHandler();
  /// Answers for a handler that has thrown, or has not ended the response.
  void handlerReturned(const std::exception_ptr& failure);
  /// What a handler or a listener of this request has thrown.
  Error errorOf(const std::exception_ptr& thrown) const;
  /// Takes what the handler has left of the body. true: the rest is still to come and worth waiting
  /// for.
  bool discardsRest();
  /// The response has left and the request is read, or will not be.
  void finish();
  /// Waiters for anything of the messages are told that they are over.
  void conclude() {
    if (pair_ != nullptr && !(incoming().isOver() && outgoing().isOver())) tellAll();
  }
  /// The messages are over; ready for the next ones.
  void reset();

  /// What comes is no request any more, or none will come: so says `reason`.
  void refuse(const error_code& reason);
  void connectionIsGone();
  /// Nobody will be resumed, and the coroutine must not keep itself by what it waits for.
  SLUICE_DECL void onLoopEnd() override;

  // What the socket does while a request is answered.
  void onInput() { incoming().onInput(); }
  void onDrained();
  /// true: somebody listens.
  bool onIdle();
  void emitEvents() {
    if (pair_ != nullptr && (incoming().observed() || outgoing().observed())) emitAll();
  }
  /// No event is left to tell: waits for one end, those that begin later too.
  void stopTelling();

  /// The bytes that have come are no body.
  bool bodyRefused() const { return bodyRefused_; }
  /// The input has ended before the body.
  bool isCut() const { return !incoming().complete() && reader.missesMore(); }
  /// The request is read to its end.
  bool isRead() const { return incoming().complete(); }
  /// It is neither read nor given up.
  bool isReceiving() const { return !incoming().complete() && !incoming().aborted(); }
  bool isSent() const { return outgoing().isSent(); }
  /// A client that waits for a 100 was not told to go on: what it sends next nobody knows.
  bool awaitsContinue() const { return awaitsContinue_; }
  /// Both sides have said that the connection lives on.
  bool keepsAlive() const { return outgoing().framing.keepAlive; }
  /// The user has destroyed one of the messages.
  bool destroyedHere() const { return destroyedHere_; }

  // For ServerResponse.
  void composeHead(ByteBuffer& out, ServerResponse& res, std::optional<std::string_view> reason,
                   const Headers* headers, std::optional<std::uint64_t> bodyLength);
  void sendInformation();
  void continueIsSent() { awaitsContinue_ = false; }
  const boost::intrusive_ptr<OutgoingState>& outgoingState() const { return outgoing_; }

  ServerConnection& connection() const { return *connection_; }
  IncomingState& incoming() const { return *incoming_; }
  OutgoingState& outgoing() const { return *outgoing_; }
  MessagePair& messages() { return *pair_; }

  MessageReader reader{MessageParser::Kind::request, 1024};
  /// The connection's coroutine, where it waits.
  sluice::detail::Completion<void()> waiting;

 private:
  bool takesUpgrade();
  void emitAll();
  void tellAll();
  void handlerFailed(const std::exception_ptr& failure);
  void endForHandler();
  void answerEmpty(int status);
  void renewOutgoing();
  observe::Request observed() const;
  void observeBeginning();
  void observeEnd();

  // BodySource and OutgoingOwner
  SLUICE_DECL const asio::any_io_executor& executor() const override;
  SLUICE_DECL net::Socket& socket() override;
  net::Socket* outgoingSocket() override { return &socket(); }
  SLUICE_DECL Piece takePiece() override;
  const HeaderBlock& trailers() const override { return reader.trailers(); }
  std::uint64_t bytesTaken() const override { return reader.taken(); }
  SLUICE_DECL void wantInput() override;
  SLUICE_DECL void eventsAreDue() override;
  SLUICE_DECL void destroyIncoming(const error_code& reason) override;
  SLUICE_DECL void destroyMessage(const error_code& reason) override;
  SLUICE_DECL void destroyMessageWith(const Error& reason) override;
  SLUICE_DECL void setTimeout(std::chrono::milliseconds idle) override;
  SLUICE_DECL void onMessageEnded() override;

  // Null if it is spare.
  ServerConnection* connection_ = nullptr;
  boost::intrusive_ptr<IncomingState> incoming_{new IncomingState};
  boost::intrusive_ptr<OutgoingState> outgoing_;
  // Where the pair comes from; the pair is null between two requests.
  std::shared_ptr<MessagePool> pool_;
  MessagePair* pair_ = nullptr;
  observe::detail::Beginning beginning_;
  bool awaitsContinue_ = false;
  bool bodyRefused_ = false;
  bool destroyedHere_ = false;
  // Set if it was the request that the user has destroyed.
  error_code requestFailure_;
};

}  // namespace sluice::http::detail
