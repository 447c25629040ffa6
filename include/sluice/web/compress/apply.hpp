// SPDX-License-Identifier: BSL-1.0
//
// Compresses the body of a response as the request accepts it.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/compress.hpp>
#endif
#ifndef SLUICE_WEB_COMPRESS_APPLY_HPP
#define SLUICE_WEB_COMPRESS_APPLY_HPP

#include <cstddef>
#include <functional>
#include <sluice/http/incoming_message.hpp>
#include <sluice/http/server_response.hpp>
#include <sluice/web/compress/coding.hpp>
#include <string_view>
#include <vector>

namespace sluice::compress {

struct Options {
  /// The codings to choose from, best first; of those that the client likes equally the first one
  /// is taken. Empty: zstd, br, gzip, deflate, as far as they are built in.
  std::vector<Coding> prefer = {};
  /// A body of known length below this stays as it is. In bytes; 0: none does.
  std::size_t threshold = 1024;
  /// As for encode(). 0: a level fit for dynamic content, per coding.
  int level = 0;
  /// Whether content of this type is worth it, "" if there is none. Default: text, JSON, XML,
  /// JavaScript, SVG, wasm, fonts that are not compressed already, and a few more.
  std::function<bool(std::string_view contentType)> compressible = {};
};

/// From here on the body of `res` is compressed if `req` accepts it and the response is worth it.
/// Call it before the head is sent.
///
///     compress::apply(req, res);
///     co_await res.setHeader("Content-Type", "text/html").end(page);
///
/// A response that is compressed gets Content-Encoding and loses Content-Length and Accept-Ranges,
/// and its strong ETag becomes a weak one. `Vary: Accept-Encoding` is added as soon as the type is
/// compressible. HEAD gets the headers of GET. Untouched: 204, 205, 206, 304, responses that have a
/// Content-Encoding or `Cache-Control: no-transform`.
///
/// A client that refuses `identity` gets a compressed body of any type and length, and 406 if it
/// accepts nothing that is built in. A text/event-stream is flushed at every write; elsewhere
/// `res.flush()` sends what the encoder holds back.
///
/// A stream takes an encoder of less than 64 KiB (gzip, deflate) or 1 MiB (br, zstd) at level 0
/// until it ends; encoders are used again.
///
/// throws  ERR_HTTP_HEADERS_SENT; ERR_UNSUPPORTED_ENCODING if `prefer` names a coding that is not
///         built in
void apply(http::IncomingMessage& req, http::ServerResponse& res, const Options& options = {});

}  // namespace sluice::compress

#endif
