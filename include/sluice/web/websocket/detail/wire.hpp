// SPDX-License-Identifier: BSL-1.0
//
// What Beast's stream stands on: reads of the socket, with the changes that some versions of Beast
// need, and writes that never wait. Only engine.ipp includes it.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/async_base.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/version.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/net/detail/held_bytes.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/web/websocket/detail/deflate_tail.hpp>
#include <sluice/write_result.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::web::detail {

namespace beast = boost::beast;

// Can go, with DeflateTail and WebSocketInput, when Boost 1.90 is the oldest that is supported.
inline constexpr bool needsDeflateTail = BOOST_VERSION < 109000;

/// What becomes of the bytes of a peer with which compression is wanted, before Beast has them.
class WebSocketInput {
 public:
  // answer: of a server. Beast keeps what it reads after the head, so it must not get frames yet;
  // frames: all that comes later.
  //
  //   answer ──► frames
  enum class Phase : std::uint8_t { answer, frames };

  explicit WebSocketInput(Phase phase) : phase_(phase) {}

  void beginFrames() { phase_ = Phase::frames; }

  /// Makes `count` bytes of the socket, which are in `buffer`, what Beast reads there, and says how
  /// much that is. It may be nothing yet.
  std::size_t take(net::Socket& socket, asio::mutable_buffer buffer, std::size_t count) {
    const std::string_view bytes(static_cast<const char*>(buffer.data()), count);
    if (phase_ == Phase::answer) {
      const std::size_t size = sizeOfAnswer(bytes);
      if (size != count) socket.unshift(bytes.substr(size));
      return size;
    }
    std::string translated;
    tail_.translate(bytes, translated);
    const std::size_t taken = translated.copy(static_cast<char*>(buffer.data()), buffer.size());
    if (taken != translated.size()) rest_.append(std::string_view(translated).substr(taken));
    return taken;
  }

  bool hasRest() const { return !rest_.empty(); }
  /// What there was no room for. Nothing is read from the socket before all of it is taken.
  std::size_t takeRest(asio::mutable_buffer buffer) {
    return rest_.take(buffer.data(), buffer.size());
  }

 private:
  /// How many bytes there are up to the next empty line, which ends the head. The body of an answer
  /// that declines may have more of them, and is then read in as many steps.
  std::size_t sizeOfAnswer(std::string_view bytes) {
    static constexpr std::string_view end = "\r\n\r\n";
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      if (bytes[at] == end[matched_]) {
        ++matched_;
      } else {
        matched_ = bytes[at] == end[0] ? 1 : 0;
      }
      if (matched_ == end.size()) {
        matched_ = 0;
        return at + 1;
      }
    }
    return bytes.size();
  }

  DeflateTail tail_;
  net::detail::HeldBytes rest_;
  std::size_t matched_ = 0;  // of an empty line
  Phase phase_;
};

/// One read of Beast's through a WebSocketInput.
template <class Handler>
class WebSocketRead : public beast::async_base<Handler, asio::any_io_executor> {
 public:
  WebSocketRead(Handler handler, net::Socket*& socket, const std::shared_ptr<WebSocketInput>& input,
                asio::mutable_buffer buffer)
      : beast::async_base<Handler, asio::any_io_executor>(std::move(handler),
                                                          socket->get_executor()),
        socket_(&socket),
        input_(input),
        buffer_(buffer) {
    this->set_allowed_cancellation(asio::cancellation_type::all);
  }

  void start(WebSocketInput& input) {
    if (!input.hasRest()) return readOn();
    const std::size_t taken = input.takeRest(buffer_);
    // Not inside the caller's own call: this posts.
    this->complete(false, error_code(), taken);
  }

  void operator()(const error_code& ec, std::size_t count) {
    const std::shared_ptr<WebSocketInput> input = input_.lock();
    if (!input) return this->complete(true, error_code(asio::error::operation_aborted), 0U);
    if (ec) return this->complete(true, ec, 0U);
    const std::size_t taken = input->take(**socket_, buffer_, count);
    // All was part of a header that is not complete.
    if (taken == 0) return readOn();
    this->complete(true, ec, taken);
  }

 private:
  void readOn() {
    net::Socket& socket = **socket_;
    const asio::mutable_buffer buffer = buffer_;
    socket.async_read_some(buffer, std::move(*this));
  }

  net::Socket** socket_;
  // Owned by the wire. If it is gone, so is what `socket_` points to.
  std::weak_ptr<WebSocketInput> input_;
  asio::mutable_buffer buffer_;
};

/// Writing always takes everything, as the socket queues what the kernel does not: that makes
/// Beast's synchronous calls possible, which build all frames of a message in one go, so that no
/// two messages mix. Closes that Beast writes go nowhere: the session sends the one that leaves.
class WebSocketWire {
 public:
  using executor_type = asio::any_io_executor;

  explicit WebSocketWire(net::Socket*& socket) : socket_(socket) {}

  executor_type get_executor() const { return socket_->get_executor(); }

  template <class MutableBuffers, class Token>
  auto async_read_some(const MutableBuffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, WebSocketWire* wire, const MutableBuffers& into) {
          if (!wire->input_) {
            wire->socket_->async_read_some(into, std::move(handler));
            return;
          }
          WebSocketRead<decltype(handler)>(std::move(handler), wire->socket_, wire->input_,
                                           firstBuffer(into))
              .start(*wire->input_);
        },
        token, this, buffers);
  }

  /// Beast answers pings with it. Completes when there is room, so a peer that sends pings and
  /// reads no pongs is not read from any more.
  template <class ConstBuffers, class Token>
  auto async_write_some(const ConstBuffers& buffers, Token&& token) {
    if (opened_ && isClose(buffers) && close_ == Close::none) close_ = Close::due;
    if (close_ != Close::none) {
      return asio::async_initiate<Token, void(error_code, std::size_t)>(
          [](auto handler, executor_type executor, std::size_t count) {
            asio::post(executor,
                       beast::bind_front_handler(std::move(handler), error_code(), count));
          },
          token, get_executor(), beast::buffer_bytes(buffers));
    }
    return socket_->async_write_some(buffers, std::forward<Token>(token));
  }

  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers) {
    for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
         ++it) {
      const asio::const_buffer buffer(*it);
      const std::string_view bytes(static_cast<const char*>(buffer.data()), buffer.size());
      if (gathers_) {
        gathered_.append(bytes);
      } else if (!bytes.empty()) {
        written_ = socket_->write(bytes);
      }
    }
    return beast::buffer_bytes(buffers);
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers, error_code& ec) {
    ec = {};
    return write_some(buffers);
  }

  // Required of a stream that is written to synchronously. Never called.
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers&) {
    return 0;
  }
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers&, error_code& ec) {
    ec = asio::error::would_block;
    return 0;
  }

  /// Keeps what is written from now on, for takeGathered(): it comes in many small pieces.
  void gather() { gathers_ = true; }
  std::string takeGathered() {
    gathers_ = false;
    return std::exchange(gathered_, {});
  }
  std::optional<WriteResult> takeWritten() { return std::exchange(written_, std::nullopt); }

  /// The server's answer is awaited, which may agree to compression.
  void expectAnswer() {
    if (needsDeflateTail) input_ = std::make_shared<WebSocketInput>(WebSocketInput::Phase::answer);
  }
  /// Both have agreed. What comes now are frames, and messages may be compressed if `deflates`.
  void opened(bool deflates) {
    opened_ = true;
    if (!deflates) {
      input_ = nullptr;
    } else if (input_) {
      input_->beginFrames();
    } else if (needsDeflateTail) {
      input_ = std::make_shared<WebSocketInput>(WebSocketInput::Phase::frames);
    }
  }

  /// No message may leave any more.
  bool closes() const { return close_ != Close::none; }
  bool closeSent() const { return close_ == Close::sent; }
  /// Nothing more leaves.
  void setCloseSent() { close_ = Close::sent; }

 private:
  // due: Beast has met a reason to close, which the session is about to hear of.
  //
  //   none ──► due ──► sent
  //     └───────────────▲
  enum class Close : std::uint8_t { none, due, sent };

  template <class ConstBuffers>
  static bool isClose(const ConstBuffers& buffers) {
    const asio::const_buffer frame(*asio::buffer_sequence_begin(buffers));
    // RFC 6455 5.2: final, and the opcode of a close.
    return frame.size() != 0 && *static_cast<const unsigned char*>(frame.data()) == 0x88;
  }

  /// The first that has room.
  template <class MutableBuffers>
  static asio::mutable_buffer firstBuffer(const MutableBuffers& buffers) {
    for (const asio::mutable_buffer buffer : beast::buffers_range_ref(buffers)) {
      if (buffer.size() != 0) return buffer;
    }
    return {};
  }

  net::Socket*& socket_;
  // Reads that are under way look at it too, to see whether there still is a wire.
  std::shared_ptr<WebSocketInput> input_;
  std::string gathered_;
  std::optional<WriteResult> written_;
  bool gathers_ = false;
  bool opened_ = false;
  Close close_ = Close::none;
};

// Found by Beast. The session ends the connection, once it knows why.
template <class Handler>
void async_teardown(beast::role_type, WebSocketWire& wire, Handler&& handler) {
  asio::post(wire.get_executor(),
             beast::bind_front_handler(std::forward<Handler>(handler), error_code()));
}
inline void teardown(beast::role_type, WebSocketWire&, error_code& ec) { ec = {}; }
inline void beast_close_socket(WebSocketWire&) {}

}  // namespace sluice::web::detail
