// SPDX-License-Identifier: BSL-1.0
//
// One WebSocket, on either side (RFC 6455): messages in, messages out, and an end that both sides
// know of. How one comes to be is said in server.hpp and connect.hpp.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/websocket.hpp>
#endif
#ifndef SLUICE_WEB_WEBSOCKET_WEB_SOCKET_HPP
#define SLUICE_WEB_WEBSOCKET_WEB_SOCKET_HPP

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <optional>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/web/websocket/config.hpp>
#include <sluice/web/websocket/detail/message.hpp>
#include <sluice/write_result.hpp>
#include <span>
#include <string_view>

namespace sluice {

namespace web::detail {
struct WebSocketAccess;
class WebSocketSession;
}  // namespace web::detail

/// A movable handle. All calls happen on the executor of its connection.
///
///     while (auto message = co_await ws.receive()) co_await ws.send(message->data);
///
/// Pings of the peer are answered, and its close is met, whether or not anybody is in receive():
/// the library reads one message ahead. While that one is not taken, nothing more is read, so the
/// peer feels it. Memory for received messages is bounded by twice `maxMessage`.
class WebSocket {
 public:
  /// What receive() gives: `data`, valid until the next receive(), and whether it is `binary`.
  using Message = web::detail::WebSocketMessage;

  /// Empty, as one that was moved from: calls throw ERR_INVALID_STATE.
  WebSocket();
  WebSocket(WebSocket&&) noexcept;
  WebSocket& operator=(WebSocket&&) noexcept;
  /// Closes with 1001. The closing handshake goes on without the handle, for `closeTimeout`.
  ~WebSocket();

  /// The next message, valid until the next receive(); nullopt after a close of either side.
  ///
  /// throws  ECONNRESET if the connection ends without a close, or the peer does not answer pings;
  ///         ERR_WEBSOCKET_PROTOCOL, _INVALID_UTF8, _INVALID_DATA, _MESSAGE_TOO_LARGE for what the
  ///         peer sent; the connection was closed because of it. ERR_INVALID_STATE if another
  ///         coroutine is in receive()
  /// cancel  total: operation_aborted, no message is lost
  task<std::optional<Message>> receive();

  /// Sends a message: text, which has to be UTF-8, or bytes.
  ///
  /// It is queued whole before the call returns, so several coroutines may send; messages leave in
  /// the order of the calls. Awaited, it waits until fewer bytes than the socket's high-water mark
  /// are held back. false: bytes are held back.
  ///
  /// bytes   may be dropped when the call returns
  /// throws  awaited: ERR_STREAM_WRITE_AFTER_END once the WebSocket is closing,
  ///         ERR_STREAM_DESTROYED or what broke the connection once it is gone
  /// cancel  total: the wait ends with operation_aborted, the message is sent all the same
  WriteResult send(std::string_view text);
  WriteResult send(std::span<const std::byte> bytes);

  /// Sends a ping, which the peer has to answer. As send() otherwise. The library sends its own
  /// every `pingInterval`.
  ///
  /// throws  ERR_OUT_OF_RANGE for more than 125 bytes
  WriteResult ping(std::string_view data = {});

  /// Sends a close, unless the WebSocket is closing already, and waits until the peer has answered
  /// it or `closeTimeout` has passed. Messages that still come are dropped.
  ///
  /// reason  up to 123 bytes of UTF-8
  /// throws  ERR_OUT_OF_RANGE for a code that may not be sent: all but 1000 to 1003, 1007 to 1014
  ///         and 3000 to 4999; and for a longer reason
  /// cancel  total: operation_aborted, the closing goes on
  task<> close(int code = 1000, std::string_view reason = {});

  /// 0 while it is open. Then the code of the peer's close, 1005 if that had none; the own code if
  /// the peer has sent no close; 1006 if the connection was lost.
  int closeCode() const;
  /// Valid as long as this object.
  std::string_view closeReason() const;
  /// The subprotocol that both agreed on; empty if none. Valid as long as this object.
  std::string_view protocol() const;
  /// Bytes that wait for the peer to read.
  std::size_t bufferedAmount() const;
  /// The connection below. Reading and writing it breaks the protocol; addresses, certificates and
  /// its timeout are what it is for.
  net::Socket& socket();

 private:
  friend struct web::detail::WebSocketAccess;

  explicit WebSocket(boost::intrusive_ptr<web::detail::WebSocketSession> session);
  const boost::intrusive_ptr<web::detail::WebSocketSession>& session() const;

  boost::intrusive_ptr<web::detail::WebSocketSession> session_;
};

namespace web::detail {

/// How the library makes a WebSocket.
struct WebSocketAccess {
  static WebSocket make(boost::intrusive_ptr<WebSocketSession> session);
};

}  // namespace web::detail

}  // namespace sluice

#endif
