// SPDX-License-Identifier: BSL-1.0
//
// What an accept loop does about an error: go on at once, or rest because the system lacks
// something.
#pragma once

#include <boost/system/errc.hpp>
#include <cerrno>
#include <chrono>
#include <sluice/task.hpp>

namespace sluice::net::detail {

// How long the accept loop rests if the system has no descriptor or memory for a connection.
inline constexpr std::chrono::milliseconds acceptPause{100};

/// The error belongs to the connection that accept() would have returned, not to the listener.
inline bool concernsOneConnection(const error_code& ec) {
  namespace errc = boost::system::errc;
#if defined(EHOSTDOWN)
  if (ec == error_code(EHOSTDOWN, boost::system::system_category())) return true;
#endif
#if defined(ENONET)
  if (ec == error_code(ENONET, boost::system::system_category())) return true;
#endif
  for (const auto each : {errc::interrupted, errc::connection_aborted, errc::connection_reset,
                          errc::protocol_error, errc::operation_not_permitted, errc::timed_out,
                          errc::network_down, errc::network_unreachable, errc::host_unreachable,
                          errc::no_protocol_option, errc::operation_not_supported}) {
    if (ec == each) return true;
  }
  return false;
}

inline bool isLackOfDescriptors(const error_code& ec) {
  return ec == boost::system::errc::too_many_files_open ||
         ec == boost::system::errc::too_many_files_open_in_system;
}

}  // namespace sluice::net::detail
