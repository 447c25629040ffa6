// SPDX-License-Identifier: BSL-1.0
//
// What fetch() brings.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/fetch.hpp>
#endif
#ifndef SLUICE_WEB_FETCH_FETCH_RESPONSE_HPP
#define SLUICE_WEB_FETCH_FETCH_RESPONSE_HPP

#include <cstddef>
#include <memory>
#include <optional>
#include <sluice/http/headers.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/task.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

namespace detail {
class FetchExchange;
struct FetchResponseAccess;
}  // namespace detail

/// A response whose head has come; its body comes as it is read. Models Readable, so pipe() takes
/// it. Destroying it before its end lets go of the connection.
class FetchResponse {
 public:
  /// Empty, as one that was moved from: calls throw ERR_INVALID_STATE.
  FetchResponse();
  FetchResponse(const FetchResponse&) = delete;
  FetchResponse& operator=(const FetchResponse&) = delete;
  FetchResponse(FetchResponse&&) noexcept;
  FetchResponse& operator=(FetchResponse&&) noexcept;
  ~FetchResponse();

  /// The status of the final response, after all redirects.
  int status() const;
  /// 200 to 299.
  bool ok() const;
  std::string_view statusText() const;
  /// Of the last request, after all redirects.
  std::string_view url() const;
  bool redirected() const;
  /// As they were received: Content-Encoding and Content-Length are those of the encoded body.
  const http::Headers& headers() const;

  /// The next piece, decoded, valid until the next read; nullopt at the end.
  ///
  /// throws  what IncomingMessage::read() throws; ETIMEDOUT, ABORT_ERR;
  ///         ERR_INVALID_CONTENT_ENCODING, ERR_UNSUPPORTED_ENCODING, ERR_BODY_TOO_LARGE for more
  ///         than 100 times what was received
  /// cancel  total
  task<std::optional<std::string_view>> read();
  /// The rest of the body.
  ///
  /// throws  as read(); ERR_BODY_TOO_LARGE beyond `limit` decoded bytes
  task<std::string> text(std::size_t limit = 16 * 1024 * 1024);

  /// The response itself, for its trailers, its socket, and its body as it is on the wire.
  http::IncomingMessage& message();

 private:
  friend struct detail::FetchResponseAccess;

  explicit FetchResponse(std::shared_ptr<detail::FetchExchange> exchange);
  const std::shared_ptr<detail::FetchExchange>& exchange() const;

  std::shared_ptr<detail::FetchExchange> exchange_;
};

namespace detail {

/// How the library makes a FetchResponse.
struct FetchResponseAccess {
  static FetchResponse make(std::shared_ptr<FetchExchange> exchange) {
    return FetchResponse(std::move(exchange));
  }
};

}  // namespace detail

}  // namespace sluice

#endif
