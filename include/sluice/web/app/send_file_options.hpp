// SPDX-License-Identifier: BSL-1.0
//
// How a file is sent.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_SEND_FILE_OPTIONS_HPP
#define SLUICE_WEB_APP_SEND_FILE_OPTIONS_HPP

#include <chrono>
#include <sluice/web/app/config.hpp>
#include <string_view>

namespace sluice::app {

/// Options of Response::sendFile(). The texts must live until it was awaited.
struct SendFileOptions {
  /// Empty: by the end of the file's name.
  std::string_view contentType = {};
  /// Empty: made of the two below. A header that was set before stays.
  std::string_view cacheControl = {};
  /// How long a client may use its copy without asking.
  std::chrono::seconds maxAge = std::chrono::seconds(0);
  /// The file never changes: its name has a hash.
  bool immutable = false;
  /// A name under which a browser saves it instead of showing it. Empty: it shows it.
  std::string_view attachment = {};
  /// Sends `file.br`, `file.zst` or `file.gz` in its place if it is there and the client accepts
  /// it.
  bool precompressed = true;
  bool etag = true;
  bool lastModified = true;
  /// Answers requests for parts of the file.
  bool ranges = true;
};

}  // namespace sluice::app

#endif
