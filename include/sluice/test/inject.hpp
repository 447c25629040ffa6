// SPDX-License-Identifier: BSL-1.0
//
// One request to a handler and its response, for tests: a whole server over a connection in memory,
// no sockets, no ports.
#pragma once

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <sluice/http/detail/wire/body_decoder.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <sluice/http/detail/wire/header_store.hpp>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <sluice/http/server.hpp>
#include <sluice/test/clock.hpp>
#include <sluice/test/wire.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::test {

/// A request for inject().
struct InjectRequest {
  /// Any method, also one that http does not know.
  std::string method = "GET";
  /// Path and query, as the request line has them.
  std::string url = "/";
  /// `Host: localhost` and the framing of the body are added if they are not named here.
  http::Headers headers = {};
  std::string body = {};
};

/// What the handler has answered.
struct InjectResponse {
  /// The status of the final response; 0: there was none.
  int statusCode = 0;
  /// Its reason phrase.
  std::string statusMessage;
  /// Its headers, with those that the server adds.
  http::Headers headers;
  /// Without chunks.
  std::string body;
  http::Headers trailers;
  /// Every byte that was sent, 1xx responses included.
  std::string raw;
  /// What the handler threw.
  std::optional<http::Error> error;
};

namespace detail {

inline std::string requestBytes(const InjectRequest& request) {
  namespace inside = http::detail;
  inside::HeaderStore headers;
  headers.set("Host", std::string_view("localhost"));
  headers.remove("Connection");
  headers.merge(request.headers);
  net::detail::ByteBuffer out;
  const auto framing = inside::composeRequestHead(out, {.method = request.method,
                                                        .path = request.url,
                                                        .headers = headers,
                                                        .bodyLength = request.body.size()});
  if (framing.mode != inside::BodyMode::chunked) {
    out.append(request.body);
    return std::string(out.view());
  }
  if (!request.body.empty()) {
    inside::appendChunkHead(out, request.body.size());
    out.append(request.body);
    inside::appendChunkEnd(out);
  }
  inside::appendLastChunk(out);
  return std::string(out.view());
}

inline http::Headers headersOf(const http::detail::HeaderBlock& block) {
  http::Headers headers;
  for (const http::RawHeader line : block) headers.append(line.name, line.value);
  return headers;
}

/// The final response in `raw`; nothing if its end has not come.
///
/// closed  nothing more will come
inline std::optional<InjectResponse> parseResponse(std::string_view raw, std::string_view method,
                                                   bool closed) {
  using http::detail::BodyDecoder;
  using http::detail::MessageParser;
  const http::detail::ParserLimits limits{
      .maxHeaderSize = std::size_t{1} << 24, .maxHeadersCount = 0, .insecure = false};
  const auto refuse = [raw](std::string_view reason) {
    throw std::logic_error("inject(): the response is no HTTP, " + std::string(reason) + ": " +
                           std::string(raw));
  };
  MessageParser parser(MessageParser::Kind::response);
  std::string_view rest = raw;
  do {
    parser.reset(limits);
    parser.setRequestMethod(method);
    const auto status = parser.parseHead(rest);
    if (status == MessageParser::Status::failed) refuse(parser.reason());
    if (status != MessageParser::Status::complete) return std::nullopt;
    rest.remove_prefix(parser.consumed());
  } while (parser.statusCode() < 200 && parser.statusCode() != 101);

  InjectResponse response;
  response.statusCode = parser.statusCode();
  response.statusMessage = parser.statusMessage();
  response.headers = headersOf(parser.headers());
  BodyDecoder decoder;
  decoder.reset(parser.framing(), parser.contentLength(), limits);
  while (!decoder.complete()) {
    const auto piece = decoder.decode(rest);
    if (piece.status == BodyDecoder::Status::failed) refuse(decoder.reason());
    response.body += piece.data;
    rest.remove_prefix(piece.consumed);
    if (piece.status != BodyDecoder::Status::needMore) continue;
    if (!closed || decoder.atEof() == BodyDecoder::Status::failed) return std::nullopt;
  }
  response.trailers = headersOf(decoder.trailers());
  response.raw = raw;
  return response;
}

}  // namespace detail

/// Sends one request to `server`, and runs `io` until the response is complete and the handler has
/// returned.
///
/// patience  of real time, for what a handler waits for outside of the library
/// throws    std::logic_error if the handler never ends or the response stays incomplete;
///           http::Error for a request that cannot be sent
inline InjectResponse inject(asio::io_context& io, http::Server& server,
                             const InjectRequest& request = {},
                             std::chrono::milliseconds patience = std::chrono::seconds(5)) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::min(patience, net::detail::longestTimer);
  std::optional<http::Error> error;
  const auto listener =
      server.addListener<"error">([&error](const http::Error& thrown) { error = thrown; });
  struct RemoveListener {
    http::Server& server;
    ListenerId listener;
    ~RemoveListener() { server.removeListener(listener); }
  } const removeListener{server, listener};

  Wire wire(io);
  wire.deliver(detail::requestBytes(request));
  server.serve(wire.socket());
  bool complete = false;
  while (true) {
    io.restart();
    io.poll();
    if (wire.closed()) break;
    // The end of the connection shows when the handler has returned, whatever it still does.
    // A server that refuses a request listens on when it has said its last.
    if (!complete && detail::parseResponse(wire.received(), request.method, wire.ended())) {
      complete = true;
      wire.deliverEnd();
      continue;
    }
    io.restart();
    if (io.run_one_until(deadline) != 0) continue;
    const bool late = std::chrono::steady_clock::now() >= deadline;
    const bool still = !net::detail::Loop::of(io.get_executor())->clock().runsByItself();
    throw std::logic_error(std::string("inject(): the handler ") +
                           (late ? "has not ended in time" : "waits for what never comes") +
                           (late && still ? ", in which sleepFor() and Timer stand still" : "") +
                           (complete ? ", though its response is complete" : "") +
                           "; sent so far: " + std::string(wire.received()));
  }
  auto response = detail::parseResponse(wire.received(), request.method, true);
  if (!response) {
    throw std::logic_error("inject(): the connection was closed before the response was complete" +
                           (error ? ", because of " + std::string(error->what()) : std::string()) +
                           "; sent so far: " + std::string(wire.received()));
  }
  response->error = std::move(error);
  return std::move(*response);
}

/// Sends one request to a handler that is given a server of its own, on an `io_context` of its own.
///
///     const auto res = test::inject(handler, {.method = "POST", .url = "/x", .body = "..."});
///     CHECK(res.statusCode == 201);
///
/// The library's clock stands still: timeouts, sleepFor() and Timer never come due, and timers of
/// Asio do. For a handler that waits on that clock, make a server and a Clock, and move it.
///
/// throws  std::logic_error if the handler never ends or the response stays incomplete;
///         http::Error for a request that cannot be sent
template <class F>
  requires(!std::same_as<std::decay_t<F>, asio::io_context>)
InjectResponse inject(F&& handler, const InjectRequest& request = {},
                      http::ServerOptions options = {}) {
  asio::io_context io;
  const Clock clock(io);
  http::Server server = http::createServer(io, std::move(options), std::forward<F>(handler));
  return inject(io, server, request);
}

}  // namespace sluice::test
