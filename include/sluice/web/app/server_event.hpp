// SPDX-License-Identifier: BSL-1.0
//
// One event of an event stream (WHATWG HTML, server-sent events).
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_SERVER_EVENT_HPP
#define SLUICE_WEB_APP_SERVER_EVENT_HPP

#include <chrono>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>

namespace sluice::app {

/// Texts that must live until the call returns.
struct ServerEvent {
  /// What a browser listens for. Empty: "message".
  std::string_view event = {};
  /// May have several lines.
  std::string_view data = {};
  /// What a browser sends as Last-Event-ID after it has reconnected. Empty: none.
  std::string_view id = {};
  /// How long a browser waits before it reconnects. 0: as before.
  std::chrono::milliseconds retry = std::chrono::milliseconds(0);
};

/// The bytes of an event.
///
/// throws  ERR_INVALID_ARG_VALUE for a name or id with a line break or NUL, or a negative retry
std::string formatEvent(const ServerEvent& event);

}  // namespace sluice::app

#endif
