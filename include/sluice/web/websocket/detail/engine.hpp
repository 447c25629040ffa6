// SPDX-License-Identifier: BSL-1.0
//
// The protocol on one connection: frames, masks, compression, both handshakes. It stands on Beast's
// websocket::stream, which only engine.ipp includes, because it takes seconds to compile. What it
// decides is when bytes leave: all that is sent is given to the socket at once, in whole messages.
#pragma once

#include <cstddef>
#include <memory>
#include <sluice/detail/completion.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/web/websocket/detail/message.hpp>
#include <sluice/web/websocket/options.hpp>
#include <sluice/write_result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::web::detail {

class WebSocketEngine {
 public:
  enum class Role { client, server };

  /// What a read brought: a message, the peer's close, what the peer has sent that it may not, or
  /// the end of the connection.
  enum class Read { message, closed, protocol, invalidUtf8, invalidData, tooLarge, lost };
  using ReadHandler = sluice::detail::Completion<void(Read)>;

  WebSocketEngine(Role role, net::Socket& socket, const WebSocketOptions& options);
  WebSocketEngine(const WebSocketEngine&) = delete;
  WebSocketEngine& operator=(const WebSocketEngine&) = delete;
  ~WebSocketEngine();

  /// Takes the socket that was lent to it.
  void adopt();
  net::Socket& socket() { return *socket_; }

  /// Answers a request that is a handshake. `protocol` may be empty.
  void accept(const http::IncomingMessage& req, std::string_view protocol);
  /// Sends a request and reads its answer.
  ///
  /// throws  ERR_WEBSOCKET_HANDSHAKE, or what broke the connection
  task<> handshake(std::string host, std::string target, const http::Headers& headers);
  std::string_view protocol() const { return protocol_; }

  /// Reads one message. One read at a time; `handler` is called on the socket's executor. Whatever
  /// the peer has done, no close has been sent.
  void read(ReadHandler handler);
  /// The message that was read, until the next take() or dropTaken().
  WebSocketMessage take();
  void dropTaken();
  /// Drops the message that was read.
  void drop();

  WriteResult send(std::string_view bytes, bool binary);
  WriteResult ping(std::string_view data);
  /// What send() is for one who comes too late.
  WriteResult refuse();
  /// The last frame that leaves. `code` 0: none.
  void sendClose(int code, std::string_view reason);
  /// The peer's close; 0: it had no code.
  int receivedCode() const;
  std::string_view receivedReason() const;

  /// Closes the connection after the last frame, in a way in which the peer gets that.
  void endSocket();
  /// The loop has ended: Beast's stream may not outlive the services of Asio.
  void release();

 private:
  struct Stream;

  void readSome(ReadHandler handler);

  net::Socket own_;
  net::Socket* socket_;
  Role role_;
  bool gathers_;
  std::vector<std::string> offered_;
  std::string protocol_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace sluice::web::detail
