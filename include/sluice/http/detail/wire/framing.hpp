// SPDX-License-Identifier: BSL-1.0
//
// The one place that formats what leaves: heads, chunks, trailers, 1xx answers and the fixed error
// replies, and the decision how a body ends. Pure: no I/O, no time but what it is told.
#pragma once

#include <sluice/config.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sluice/http/detail/wire/header_store.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/net/detail/byte_buffer.hpp>
#include <span>
#include <string>
#include <string_view>

namespace sluice::http::detail {

using net::detail::ByteBuffer;

/// How the end of a body is told.
enum class BodyMode {
  none,       // there is no body, whatever the headers say
  sized,      // by Content-Length
  chunked,    // by the last chunk
  untilClose  // by the end of the connection
};

/// What a head that was composed means for what follows it.
struct HeadFraming {
  BodyMode mode = BodyMode::none;
  /// The Content-Length that was sent with a sized body.
  std::optional<std::uint64_t> contentLength;
  /// Whether the connection may carry another message after this one.
  bool keepAlive = false;
  /// false: what is written has no place on the wire. For a response that is a matter of its status
  /// or of HEAD, and writes are dropped; a request was composed without knowing of a body.
  bool bodyAllowed = false;
  bool trailersAllowed = false;
};

struct ResponseHead {
  int statusCode = 200;
  /// nullopt: the standard phrase, or "unknown" if there is none.
  std::optional<std::string_view> reason = {};
  /// What setHeader() stored. If it holds something, it takes in the headers of writeHead().
  HeaderStore& headers;
  /// The headers of writeHead(); with an empty store they go to the wire only. nullptr: none.
  const Headers* writeHeadHeaders = nullptr;
  /// Names that must be on one line, in any case.
  std::span<const std::string> uniqueHeaders = {};

  /// The request: its method was HEAD, its version 1.0, and then whether it had `TE: chunked`.
  bool isHead = false;
  bool http10 = false;
  bool acceptsChunked = false;
  /// What the version and the Connection header of the request allow.
  bool requestKeepAlive = true;

  /// The member of the response.
  bool shouldKeepAlive = true;
  /// The connection ends after this response, whatever else is said.
  bool forceClose = false;
  /// The last request that maxRequestsPerSocket allows.
  bool lastRequest = false;
  /// Of keepAliveLine(), for a connection that stays.
  std::string_view keepAliveLine = {};
  /// `Date: …` with its CR LF; empty without sendDate.
  std::string_view dateLine = {};
  /// The whole body's length if it is known now: end(data) or end() without writeHead().
  std::optional<std::uint64_t> bodyLength = std::nullopt;
};

/// `Keep-Alive: …` with its CR LF: how long an idle connection is kept, in whole seconds, and how
/// many requests it may carry. Empty for a time of 0; a maximum of 0 is not told.
std::string keepAliveLine(std::chrono::milliseconds timeout, std::size_t maxRequests);

/// Writes the head of a response after what is in `out`. A Content-Length beside Transfer-Encoding
/// is left out (RFC 9112 §6.2).
///
/// throws  ERR_HTTP_INVALID_STATUS_CODE for a status below 200 or above 999, ERR_INVALID_CHAR,
///         ERR_INVALID_HTTP_TOKEN, ERR_HTTP_INVALID_HEADER_VALUE, ERR_HTTP_TRAILER_INVALID; then
///         nothing was written
HeadFraming composeResponseHead(ByteBuffer& out, const ResponseHead& head);

struct RequestHead {
  std::string_view method;
  std::string_view path;
  /// Everything that was set, Host and Authorization included.
  const HeaderStore& headers;
  /// Names that must be on one line, in any case.
  std::span<const std::string> uniqueHeaders = {};
  /// Whether the agent would use the connection again.
  bool shouldKeepAlive = false;
  /// false: no automatic Connection, Content-Length and Transfer-Encoding.
  bool setDefaultHeaders = true;
  /// The whole body's length if it is known now: 0 for end(), n for end(data).
  std::optional<std::uint64_t> bodyLength = std::nullopt;
  /// A piece of body is waiting to be written after this head.
  bool bodyFollows = false;
};

/// Writes the head of a request after what is in `out`. A Content-Length beside Transfer-Encoding
/// is left out (RFC 9112 §6.2).
///
/// A body without a length is sent in chunks whatever the method: Node leaves out the framing for
/// those that do not expect a body, and the body then reads as the next request.
///
/// throws  ERR_INVALID_HTTP_TOKEN, ERR_UNESCAPED_CHARACTERS, ERR_HTTP_TRAILER_INVALID,
///         ERR_HTTP_INVALID_HEADER_VALUE for a Transfer-Encoding that does not end in chunked; then
///         nothing was written
HeadFraming composeRequestHead(ByteBuffer& out, const RequestHead& head);

/// Begins a chunk of `size` bytes, which must not be 0; the data and appendChunkEnd() follow.
inline void appendChunkHead(ByteBuffer& out, std::size_t size) {
  out.appendNumber(size, 16);
  out.append("\r\n");
}
inline void appendChunkEnd(ByteBuffer& out) { out.append("\r\n"); }

/// Throws what appendLastChunk() would: ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, and
/// ERR_HTTP_TRAILER_INVALID for a header that frames a message.
void validateTrailers(const Headers& trailers);

/// Ends a chunked body.
///
/// trailers       nullptr: none
/// uniqueHeaders  names that must be on one line, in any case
/// throws         as validateTrailers(); then nothing was written
void appendLastChunk(ByteBuffer& out, const Headers* trailers = nullptr,
                     std::span<const std::string> uniqueHeaders = {});

inline void appendContinue(ByteBuffer& out) { out.append("HTTP/1.1 100 Continue\r\n\r\n"); }
inline void appendProcessing(ByteBuffer& out) { out.append("HTTP/1.1 102 Processing\r\n\r\n"); }

/// Writes a 103 with the Link header before all others; false: there is no link, nothing to send.
///
/// throws  ERR_INVALID_ARG_VALUE for a link of another form than `</a.css>; rel=preload`,
///         ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR; then nothing was written
bool appendEarlyHints(ByteBuffer& out, const Headers& hints);

/// Writes any other answer that precedes the response.
///
/// throws  ERR_HTTP_INVALID_STATUS_CODE outside 102..199, ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR;
///         then nothing was written
void appendInformation(ByteBuffer& out, int status, const Headers& headers);

// What a peer gets whose request could not be understood, before the connection closes.
inline constexpr std::string_view badRequestReply =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
inline constexpr std::string_view requestTimeoutReply =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";
inline constexpr std::string_view payloadTooLargeReply =
    "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n";
inline constexpr std::string_view headerFieldsTooLargeReply =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n";

}  // namespace sluice::http::detail
