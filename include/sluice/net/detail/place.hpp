// SPDX-License-Identifier: BSL-1.0
//
// Where to listen, or what to connect to, after names have been looked up.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <sluice/task.hpp>
#include <string>

namespace sluice::net::detail {

/// An address and a port, or the path of a Unix socket if there is one.
struct Place {
  asio::ip::address address{};
  std::uint16_t port = 0;
  /// A path that begins with a zero byte is a name without a file, which Linux has.
  std::string path{};

  bool isUnix() const { return !path.empty(); }
};

}  // namespace sluice::net::detail
