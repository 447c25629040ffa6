// SPDX-License-Identifier: BSL-1.0
//
// Headers that many messages have in common, in the form in which they are sent.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_PREPARED_HEADERS_HPP
#define SLUICE_HTTP_PREPARED_HEADERS_HPP

#include <sluice/config.hpp>
#include <memory>
#include <sluice/http/headers.hpp>

namespace sluice::http {

namespace detail {
class HeaderStore;
}

class OutgoingMessage;

/// Headers that are checked once and then set in many messages, which is a copy of bytes. Not in
/// Node.
///
///     const http::PreparedHeaders common(
///         http::Headers{{"Cache-Control", "no-store"}, {"X-Frame-Options", "DENY"}});
///     …
///     res.setHeaders(common);
///
/// Copies share what they hold. It never changes, so every thread may use it.
class PreparedHeaders {
 public:
  /// throws  as OutgoingMessage::setHeader() would for one of them
  explicit PreparedHeaders(const Headers& headers);

  // There is no moved-from one: moving copies.
  PreparedHeaders(const PreparedHeaders&) = default;
  PreparedHeaders& operator=(const PreparedHeaders&) = default;

 private:
  friend class OutgoingMessage;

  std::shared_ptr<const detail::HeaderStore> store_;
};

}  // namespace sluice::http

#endif
