// SPDX-License-Identifier: BSL-1.0
//
// One connection of any kind: TCP, Unix socket, TLS, or memory in a test. A movable handle; the
// connection ends when its handle goes.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net.hpp>
#endif
#ifndef SLUICE_NET_SOCKET_HPP
#define SLUICE_NET_SOCKET_HPP

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/encoding.hpp>
#include <sluice/error.hpp>
#include <sluice/event_emitter.hpp>
#include <sluice/net/address.hpp>
#include <sluice/net/socket_events.hpp>
#include <sluice/net/tls_info.hpp>
#include <sluice/task.hpp>
#include <sluice/write_result.hpp>
#include <span>
#include <string>
#include <string_view>

namespace boost::beast {
enum class role_type;
}

namespace sluice::net {

namespace detail {
struct SocketAccess;
class SocketCore;
}  // namespace detail

/// A connection: read it, write to it, listen to it.
///
///     net::Socket socket = co_await net::connect(options);
///     while (auto chunk = co_await socket.read()) co_await socket.write(*chunk);
///
/// Reading by read() and listening for "data" are two ways to one stream: use one of them. It is
/// also an AsyncReadStream and AsyncWriteStream of Asio, so Beast's websocket runs on it.
///
/// events  "connect" "secureConnect" "data"(std::string_view) "end" "drain" "timeout"
///         "error"(const http::Error&) "close"(bool hadError) "agentRemove" "shutdown". "timeout"
///         only tells: its listener closes. "shutdown" comes on a connection that an "upgrade"
///         or "connect" handler of an HTTP server has, when shutdown() of that server begins: end
///         in good order, the server waits for as long as its grace. Not in Node. While HTTP
///         reads from the connection, "data" and "end" do not come.
class Socket : public EventEmitter<Socket, SocketEvents> {
 public:
  using executor_type = asio::any_io_executor;

  /// No connection. The state methods and destroy() may be called then, as after a move; anything
  /// else throws ERR_STREAM_DESTROYED.
  Socket();
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();

  /// false: empty, or moved from.
  explicit operator bool() const { return core_ != nullptr; }

  /// The next bytes, valid until the next read; nullopt at the peer's end.
  ///
  /// throws  what broke the connection; ERR_STREAM_DESTROYED after destroy(); ERR_INVALID_STATE
  ///         while another read is under way, which goes on, and before the socket is connected
  /// cancel  total: operation_aborted, no bytes are lost
  task<std::optional<std::string_view>> read();

  /// Sends bytes. false: the kernel is full and bytes wait; 'drain' comes when none does.
  ///
  /// chunk  copied only if it must wait; may be dropped when the call returns
  WriteResult write(std::string_view chunk);
  WriteResult write(const char* chunk) { return write(std::string_view(chunk)); }
  WriteResult write(std::string&& chunk);
  WriteResult write(std::span<const std::byte> chunk);
  WriteResult write(std::string_view utf8, Encoding encoding);
  /// `onFlushed` is called when the chunk has left, or with what kept it from leaving.
  WriteResult write(std::string_view chunk, std::function<void(error_code)> onFlushed);
  WriteResult write(std::span<const std::byte> chunk, std::function<void(error_code)> onFlushed);
  WriteResult write(std::string_view utf8, Encoding encoding,
                    std::function<void(error_code)> onFlushed);

  /// Says that nothing more will come, after what was written. Awaited: everything has left.
  WriteResult end();
  WriteResult end(std::string_view chunk);
  WriteResult end(const char* chunk) { return end(std::string_view(chunk)); }
  WriteResult end(std::string&& chunk);
  WriteResult end(std::span<const std::byte> chunk);
  WriteResult end(std::string_view utf8, Encoding encoding);
  /// `onFinish` is called when everything has left, or with what kept it from leaving.
  WriteResult end(std::function<void(error_code)> onFinish);
  WriteResult end(std::string_view chunk, std::function<void(error_code)> onFinish);
  WriteResult end(std::span<const std::byte> chunk, std::function<void(error_code)> onFinish);
  WriteResult end(std::string_view utf8, Encoding encoding,
                  std::function<void(error_code)> onFinish);

  /// Awaited: nothing waits any more.
  WriteResult drain();

  /// Stops "data" until resume(). The peer feels it once the kernel's buffers are full.
  Socket& pause();
  Socket& resume();
  /// Puts bytes back in front of what comes next.
  void unshift(std::string_view bytes);
  void unshift(std::span<const std::byte> bytes);

  /// Ends both directions at once. With an error, "error" brings it before "close".
  void destroy(error_code reason = {});
  /// The same, and "error" brings it with its own text.
  void destroy(const Error& reason);
  /// destroy() once everything that was written has left.
  void destroySoon();
  /// destroy(), and the peer sees a reset.
  void resetAndDestroy();

  /// "timeout" after this long without a byte in or out; 0 for never, the default.
  ///
  /// throws  ERR_OUT_OF_RANGE below 0
  Socket& setTimeout(std::chrono::milliseconds idle, std::function<void()> listener = {});
  std::chrono::milliseconds timeout() const;
  /// TCP_NODELAY: small pieces leave without waiting for each other. On by default here.
  Socket& setNoDelay(bool on = true);
  /// TCP keep-alive probes after `initialDelay` of silence, every second, ten times. Off by
  /// default.
  Socket& setKeepAlive(bool on = true, std::chrono::milliseconds initialDelay = {});

  /// Empty once the connection is gone.
  std::string remoteAddress() const;
  std::string remoteFamily() const;
  std::uint16_t remotePort() const;
  std::string localAddress() const;
  std::string localFamily() const;
  std::uint16_t localPort() const;
  /// This end, as Server::address() has it.
  Address address() const;

  /// How many bytes have come so far. Over TLS they are the decrypted ones.
  std::uint64_t bytesRead() const;
  /// What was written so far, whether it has left or waits.
  std::uint64_t bytesWritten() const;
  bool connecting() const;
  bool destroyed() const;
  /// "opening" "open" "readOnly" "writeOnly" "closed".
  std::string_view readyState() const;
  bool encrypted() const;
  /// The peer's certificate was asked for, sent, and found to be good. Here and below: over TLS,
  /// after the handshake; false and empty else.
  bool authorized() const;
  /// Why it is not authorized, if that did not end the connection.
  error_code authorizationError() const;
  /// detailed  with the chain that it was verified by, as `issuerCertificate`
  PeerCertificate getPeerCertificate(bool detailed = false) const;
  /// The own certificate.
  PeerCertificate getCertificate() const;
  CipherInfo getCipher() const;
  /// "TLSv1.3".
  std::string getProtocol() const;
  /// "http/1.1"; Node has false if none was agreed on.
  std::string alpnProtocol() const;
  /// The name the client asked for.
  std::string servername() const;
  /// An earlier session was resumed.
  bool isSessionReused() const;
  /// What a client resumes this session with. Over TLS 1.3 it comes with the first bytes of the
  /// server; until then empty.
  std::string getSession() const;
  std::size_t writableLength() const;
  std::size_t writableHighWaterMark() const;
  bool writableNeedDrain() const;
  bool writableEnded() const;

  executor_type get_executor() const;

  /// For Asio and Beast: reads what is there, into the first buffer that has room.
  template <class MutableBuffers, class Token>
  auto async_read_some(const MutableBuffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, const Kept& core, asio::mutable_buffer buffer) {
          readSome(core, buffer, ReadHandler(std::move(handler)));
        },
        token, Kept(*this), firstBuffer<asio::mutable_buffer>(buffers));
  }

  /// For Asio and Beast: takes everything, and completes when there is room for more. Nothing is
  /// written before the operation is started, which a lazy token may do later.
  template <class ConstBuffers, class Token>
  auto async_write_some(const ConstBuffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, const Kept& core, const ConstBuffers& kept) {
          std::size_t taken = 0;
          for (auto it = asio::buffer_sequence_begin(kept); it != asio::buffer_sequence_end(kept);
               ++it) {
            const asio::const_buffer buffer(*it);
            taken += buffer.size();
            writeRaw(core, {static_cast<const char*>(buffer.data()), buffer.size()});
          }
          const auto executor = asio::get_associated_executor(handler, core.executor());
          const auto slot = asio::get_associated_cancellation_slot(handler);
          roomResult(core)(asio::bind_cancellation_slot(
              slot, asio::bind_executor(executor, [handler = std::move(handler), taken](
                                                      const error_code& ec, bool) mutable {
                std::move(handler)(ec, ec ? 0 : taken);
              })));
        },
        token, Kept(*this), buffers);
  }

 private:
  friend sluice::detail::EmitterAccess;
  friend struct detail::SocketAccess;
  template <class Handler>
  friend void async_teardown(boost::beast::role_type, Socket& socket, Handler&& handler);

  using ReadHandler = sluice::detail::Completion<void(error_code, std::size_t)>;

  template <class Buffer, class Buffers>
  static Buffer firstBuffer(const Buffers& buffers) {
    for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
         ++it) {
      const Buffer buffer(*it);
      if (buffer.size() != 0) return buffer;
    }
    return {};
  }

  // What an operation acts on that may be started once the handle has moved or gone.
  class Kept {
   public:
    explicit Kept(const Socket& socket);
    Kept(const Kept&);
    Kept(Kept&&) noexcept;
    ~Kept();
    detail::SocketCore& operator*() const { return *core_; }
    executor_type executor() const;

   private:
    boost::intrusive_ptr<detail::SocketCore> core_;
  };

  static void readSome(const Kept& core, asio::mutable_buffer buffer, ReadHandler handler);
  static void writeRaw(const Kept& core, std::string_view bytes);
  static WriteResult roomResult(const Kept& core);
  template <class Chunk>
  WriteResult writeAny(Chunk chunk);
  template <class Chunk>
  WriteResult endAny(Chunk chunk);
  template <class Set>
  void whenConnected(Set set);
  void linger();
  sluice::detail::Listeners& listeners();
  bool eventsAreOver() const;
  template <fixed_string Name>
  void listenerAdded() {
    if constexpr (std::string_view(Name) == "data") resume();
    tellIfDestroyed();
  }
  void tellIfDestroyed();

  explicit Socket(boost::intrusive_ptr<detail::SocketCore> core);
  detail::SocketCore& core() const;

  boost::intrusive_ptr<detail::SocketCore> core_;
};

namespace detail {

/// What the library asks of a Socket.
struct SocketAccess {
  static Socket make(boost::intrusive_ptr<SocketCore> core);
  static const boost::intrusive_ptr<SocketCore>& core(const Socket& socket) { return socket.core_; }
  /// The handle is empty after it, and the connection goes on.
  static boost::intrusive_ptr<SocketCore> release(Socket& socket);
};

}  // namespace detail

/// What Beast's websocket does with a socket after its close frame.
template <class Handler>
void async_teardown(boost::beast::role_type, Socket& socket, Handler&& handler) {
  const auto executor = asio::get_associated_executor(handler, socket.get_executor());
  auto complete = [handler = std::forward<Handler>(handler)]() mutable {
    std::move(handler)(error_code());
  };
  if (socket.destroyed()) {
    asio::post(executor, std::move(complete));
    return;
  }
  // RFC 6455 §7.1.1: closed once the peer has closed, or a reset could overtake the close frame.
  // The waiter may destroy the socket when it resumes.
  socket.once<"close">([executor, complete = std::move(complete)](bool) mutable {
    asio::post(executor, std::move(complete));
  });
  socket.linger();
}
/// What Beast's websocket does at its end, in its form that does not wait.
inline void teardown(boost::beast::role_type, Socket& socket, error_code& ec) {
  socket.destroySoon();
  ec = {};
}
/// What Beast's websocket does with a socket whose peer is silent for too long.
inline void beast_close_socket(Socket& socket) { socket.destroy(); }

}  // namespace sluice::net

#endif
