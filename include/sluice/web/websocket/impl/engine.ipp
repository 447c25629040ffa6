// SPDX-License-Identifier: BSL-1.0
//
// Definitions of engine.hpp: the one file that includes Beast's stream.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/beast/zlib/error.hpp>
#include <optional>
#include <random>
#include <sluice/error.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/web/detail/text.hpp>
#include <sluice/web/websocket/detail/engine.hpp>
#include <sluice/web/websocket/detail/wire.hpp>
#include <utility>

namespace sluice::web::detail {

// One step of a read takes at most this much: Beast makes room for the whole rest of a frame, and
// its length is only what the peer says.
inline constexpr std::size_t readStep = 64 * 1024;
// A buffer that has grown beyond this is not kept for the next message.
inline constexpr std::size_t keptBuffer = 16 * 1024;
// A message below this is not worth being compressed.
inline constexpr std::size_t deflateThreshold = 64;

// As browsers write it. Beast does so since Boost 1.84.
inline constexpr const char* upgradeOption = "Upgrade";

inline void emptyBuffer(beast::flat_buffer& buffer) {
  buffer.clear();
  if (buffer.capacity() > keptBuffer) buffer = beast::flat_buffer();
}

struct WebSocketEngine::Stream {
  explicit Stream(net::Socket*& socket) : frames(socket) {}

  WebSocketWire& wire() { return frames.next_layer(); }
  std::string_view text() const {
    const auto data = incoming.cdata();
    return {static_cast<const char*>(data.data()), data.size()};
  }

  beast::websocket::stream<WebSocketWire, true> frames;
  beast::flat_buffer incoming;
  beast::flat_buffer taken;
};

SLUICE_DECL WebSocketEngine::WebSocketEngine(Role role, net::Socket& socket,
                                             const WebSocketOptions& options)
    : socket_(&socket),
      role_(role),
      gathers_(role == Role::client || options.deflate),
      offered_(options.protocols),
      stream_(std::make_unique<Stream>(socket_)) {
  auto& frames = stream_->frames;
  frames.auto_fragment(false);
  frames.read_message_max(options.maxMessage);
  beast::websocket::permessage_deflate deflate;
  deflate.server_enable = deflate.client_enable = options.deflate;
  deflate.msg_size_threshold = deflateThreshold;
  frames.set_option(deflate);
}

SLUICE_DECL WebSocketEngine::~WebSocketEngine() = default;

SLUICE_DECL void WebSocketEngine::adopt() {
  own_ = std::move(*socket_);
  socket_ = &own_;
}

/// Whether this is permessage-deflate with parameters of RFC 7692 7.1, each at most once.
///
/// isOffer  a client's. In one, client_max_window_bits needs no value; and a server's window of 8
///          bits cannot be agreed to: zlib's encoder has none, and Beast would answer 9
inline bool isDeflate(std::string_view extension, bool isOffer) {
  static constexpr std::array<std::string_view, 4> keys = {
      "server_max_window_bits", "client_max_window_bits", "server_no_context_takeover",
      "client_no_context_takeover"};
  const std::size_t name = std::min(extension.find(';'), extension.size());
  if (!equalIgnoreCase(trimBlanks(extension.substr(0, name)), "permessage-deflate")) return false;
  extension.remove_prefix(name);
  std::array<bool, keys.size()> met{};
  while (!extension.empty()) {
    extension.remove_prefix(1);
    const std::string_view each = extension.substr(0, extension.find(';'));
    extension.remove_prefix(each.size());
    const auto* const key = std::find_if(
        keys.begin(), keys.end(),
        [given = partBefore(each, "=")](const auto& one) { return equalIgnoreCase(given, one); });
    if (key == keys.end()) return false;
    const auto index = static_cast<std::size_t>(key - keys.begin());
    if (std::exchange(met[index], true)) return false;
    const bool isServers = index == 0;
    const bool takesBits = index <= 1;
    const std::size_t equals = each.find('=');
    if (equals == std::string_view::npos) {
      if (takesBits && (isServers || !isOffer)) return false;
      continue;
    }
    std::string_view value = trimBlanks(each.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    const bool isBits =
        (value == "8" && !(isServers && isOffer)) || value == "9" ||
        (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5');
    if (!takesBits || !isBits) return false;
  }
  return true;
}

/// The first offer that can be agreed to: Beast looks at no other. Empty if there is none.
inline std::string usableOffer(std::string_view offers) {
  std::string usable;
  forEachItem(offers, [&usable](std::string_view offer) {
    if (usable.empty() && isDeflate(offer, true)) usable = offer;
  });
  return usable;
}

SLUICE_DECL void WebSocketEngine::accept(const http::IncomingMessage& req,
                                         std::string_view protocol) {
  using beast::http::field;
  protocol_ = protocol;
  // What is known to be right already, and what Beast has to see.
  beast::http::request<beast::http::empty_body> request(beast::http::verb::get, "/", 11);
  request.set(field::host, "-");
  request.set(field::connection, "upgrade");
  request.set(field::upgrade, "websocket");
  request.set(field::sec_websocket_version, "13");
  request.set(field::sec_websocket_key, req.headers()["sec-websocket-key"]);
  request.set(field::sec_websocket_extensions,
              usableOffer(req.headers()["sec-websocket-extensions"]));
  bool deflates = false;
  stream_->frames.set_option(beast::websocket::stream_base::decorator(
      [name = protocol_, &deflates](beast::websocket::response_type& response) {
        response.set(field::connection, upgradeOption);
        deflates = response.count(field::sec_websocket_extensions) != 0;
        if (!name.empty()) response.set(field::sec_websocket_protocol, name);
      }));
  WebSocketWire& wire = stream_->wire();
  wire.gather();
  error_code ec;
  stream_->frames.accept(request, ec);
  std::string answer = wire.takeGathered();
  if (ec) throw http::Error(make_error_code(http::errc::ERR_WEBSOCKET_HANDSHAKE), ec.message());
  wire.opened(deflates);
  // Nobody has to know what a server is made of.
  if (const auto line = answer.find("Server: "); line != std::string::npos) {
    answer.erase(line, answer.find("\r\n", line) + 2 - line);
  }
  socket_->write(std::move(answer));
}

SLUICE_DECL task<> WebSocketEngine::handshake(std::string host, std::string target,
                                              const http::Headers& headers) {
  using beast::http::field;
  bool deflates = false;
  std::string protocols;
  for (const std::string& name : offered_) protocols += (protocols.empty() ? "" : ", ") + name;
  stream_->frames.set_option(
      beast::websocket::stream_base::decorator([&, this](beast::websocket::request_type& request) {
        request.set(field::connection, upgradeOption);
        deflates = request.count(field::sec_websocket_extensions) != 0;
        if (deflates) stream_->wire().expectAnswer();
        if (!protocols.empty()) request.set(field::sec_websocket_protocol, protocols);
        for (const auto& [name, value] : headers) request.set(name, value);
      }));
  beast::websocket::response_type response;
  error_code ec;
  co_await stream_->frames.async_handshake(response, host, target,
                                           asio::redirect_error(asio::use_awaitable, ec));
  if (ec == beast::websocket::error::upgrade_declined) {
    throw http::Error(make_error_code(http::errc::ERR_WEBSOCKET_HANDSHAKE),
                      "The server answered " + std::to_string(response.result_int()) + ' ' +
                          std::string(response.reason()));
  }
  using beast::http::error;
  if (ec == error::end_of_stream || ec == error::partial_message || ec == asio::error::eof) {
    throw http::Error(asio::error::connection_reset);
  }
  const error_code parsing = error::end_of_stream;
  if (ec == beast::websocket::condition::handshake_failed || ec.category() == parsing.category()) {
    throw http::Error(make_error_code(http::errc::ERR_WEBSOCKET_HANDSHAKE), ec.message());
  }
  if (ec) throw http::Error(ec);
  protocol_ = response[field::sec_websocket_protocol];
  const bool wanted =
      protocol_.empty() ? !response.count(field::sec_websocket_protocol)
                        : std::find(offered_.begin(), offered_.end(), protocol_) != offered_.end();
  // RFC 6455 4.1: a subprotocol that was not asked for fails the connection.
  if (!wanted) {
    throw http::Error(make_error_code(http::errc::ERR_WEBSOCKET_HANDSHAKE),
                      "The server chose a subprotocol that was not offered");
  }
  // Nor may it choose an extension that was not offered, which Beast lets pass.
  const std::string_view extensions = response[field::sec_websocket_extensions];
  if (!trimBlanks(extensions).empty() && !(deflates && isDeflate(extensions, false))) {
    throw http::Error(make_error_code(http::errc::ERR_WEBSOCKET_HANDSHAKE),
                      "The server chose an extension that was not offered");
  }
  stream_->wire().opened(!trimBlanks(extensions).empty());
}

inline WebSocketEngine::Read readResult(const error_code& ec) {
  using beast::websocket::error;
  using Read = WebSocketEngine::Read;
  if (!ec) return Read::message;
  if (ec == error::closed) return Read::closed;
  if (ec == error::bad_frame_payload || ec == error::bad_close_payload) return Read::invalidUtf8;
  if (ec == error::message_too_big || ec == error::buffer_overflow) return Read::tooLarge;
  if (ec == beast::websocket::condition::protocol_violation) return Read::protocol;
  if (ec.category() == beast::zlib::make_error_code(beast::zlib::error::general).category()) {
    return Read::invalidData;
  }
  return Read::lost;
}

/// Whether this is no code at all, though Beast lets it pass. RFC 6455 7.4.2: the last is 4999.
inline bool isBeyondCodes(const beast::websocket::close_reason& reason) {
  return reason.code > 4999;
}

/// Whether UTF-8, of which all but the end is known to be right, ends inside of a character. Beast
/// 1.81 does not ask that of a message whose last frame is empty.
inline bool endsInCharacter(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(text.size(), 3); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4U : byte >= 0xe0 ? 3U : 2U);
    if (byte < 0x80) return false;
  }
  return false;
}

SLUICE_DECL void WebSocketEngine::read(ReadHandler handler) { readSome(std::move(handler)); }

SLUICE_DECL void WebSocketEngine::readSome(ReadHandler handler) {
  stream_->frames.async_read_some(
      stream_->incoming, readStep,
      [this, handler = std::move(handler)](const error_code& ec, std::size_t) mutable {
        if (!ec && !stream_->frames.is_message_done()) {
          readSome(std::move(handler));
        } else if (!ec && stream_->frames.got_text() && endsInCharacter(stream_->text())) {
          handler(Read::invalidUtf8);
        } else if (ec == beast::websocket::error::closed &&
                   isBeyondCodes(stream_->frames.reason())) {
          handler(Read::protocol);
        } else {
          handler(readResult(ec));
        }
      });
}

SLUICE_DECL WebSocketMessage WebSocketEngine::take() {
  std::swap(stream_->incoming, stream_->taken);
  drop();
  const auto data = stream_->taken.cdata();
  return {{static_cast<const char*>(data.data()), data.size()}, stream_->frames.got_binary()};
}

SLUICE_DECL void WebSocketEngine::drop() { emptyBuffer(stream_->incoming); }
SLUICE_DECL void WebSocketEngine::dropTaken() { emptyBuffer(stream_->taken); }

SLUICE_DECL WriteResult WebSocketEngine::send(std::string_view bytes, bool binary) {
  Stream& stream = *stream_;
  if (stream.wire().closes()) return refuse();
  stream.frames.binary(binary);
  // Beast masks and compresses piece by piece.
  if (gathers_) stream.wire().gather();
  error_code ec;
  stream.frames.write(asio::buffer(bytes), ec);
  std::optional<WriteResult> written = stream.wire().takeWritten();
  if (std::string frames = stream.wire().takeGathered(); !frames.empty()) {
    written = socket_->write(std::move(frames));
  }
  return written ? *written : refuse();
}

SLUICE_DECL WriteResult WebSocketEngine::ping(std::string_view data) {
  if (stream_->wire().closes()) return refuse();
  error_code ec;
  stream_->frames.ping(beast::websocket::ping_data(data.data(), data.size()), ec);
  const std::optional<WriteResult> written = stream_->wire().takeWritten();
  return written ? *written : refuse();
}

SLUICE_DECL WriteResult WebSocketEngine::refuse() {
  const auto code = socket_->destroyed() ? http::errc::ERR_STREAM_DESTROYED
                                         : http::errc::ERR_STREAM_WRITE_AFTER_END;
  return sluice::detail::WriteResultAccess::failed(
      &net::detail::SocketAccess::core(*socket_)->output(), make_error_code(code));
}

SLUICE_DECL void WebSocketEngine::sendClose(int code, std::string_view reason) {
  if (stream_->wire().closeSent()) return;
  stream_->wire().setCloseSent();
  std::string payload;
  if (code != 0) {
    payload += static_cast<char>(code >> 8);
    payload += static_cast<char>(code & 0xff);
    payload += reason;
  }
  // RFC 6455 5.5: a control frame has at most 125 bytes, so its length is one byte. Not by Beast,
  // which would take over the reading to wait for the answer.
  const bool masked = role_ == Role::client;
  std::string frame{'\x88', static_cast<char>(payload.size() | (masked ? 0x80 : 0))};
  if (masked) {
    const unsigned random = std::random_device()();
    const char key[4] = {static_cast<char>(random), static_cast<char>(random >> 8),
                         static_cast<char>(random >> 16), static_cast<char>(random >> 24)};
    frame.append(key, 4);
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    }
  }
  socket_->write(std::move(frame += payload));
}

SLUICE_DECL int WebSocketEngine::receivedCode() const {
  return static_cast<int>(stream_->frames.reason().code);
}

SLUICE_DECL std::string_view WebSocketEngine::receivedReason() const {
  const auto& reason = stream_->frames.reason().reason;
  return {reason.data(), reason.size()};
}

SLUICE_DECL void WebSocketEngine::endSocket() {
  const beast::role_type role =
      role_ == Role::client ? beast::role_type::client : beast::role_type::server;
  async_teardown(role, *socket_, [](const error_code&) {});
}

SLUICE_DECL void WebSocketEngine::release() { stream_ = nullptr; }

}  // namespace sluice::web::detail
