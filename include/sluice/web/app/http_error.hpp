// SPDX-License-Identifier: BSL-1.0
//
// An answer that a handler gives by throwing it.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_HTTP_ERROR_HPP
#define SLUICE_WEB_APP_HTTP_ERROR_HPP

#include <sluice/web/app/config.hpp>
#include <string>

namespace sluice::app {

/// Thrown by a handler or a middleware: the router answers with this status.
///
///     throw app::HttpError{404, "there is no such thing"};
///
/// The message goes to the client, as `{"error": "…"}` if it prefers JSON, else as text. Headers
/// that were set before stay, but for those that describe a body. If the response has begun, the
/// connection is closed.
struct HttpError {
  /// The status of the answer.
  int status;
  /// Empty: the standard phrase of the status.
  std::string message = {};
};

}  // namespace sluice::app

#endif
