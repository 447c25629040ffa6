// SPDX-License-Identifier: BSL-1.0
//
// Addresses and networks that are trusted: the proxies before a server.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app::detail {

class Networks {
 public:
  Networks() = default;
  /// throws  ERR_INVALID_ARG_VALUE for a text that is no network
  explicit Networks(const std::vector<std::string>& texts);

  /// An address of a Unix socket, which is empty, is as trusted as the loopback. A text that is no
  /// address is not.
  bool contains(std::string_view address) const;
  bool empty() const { return networks_.empty(); }

 private:
  using Bytes = std::array<unsigned char, 16>;  // IPv4 mapped into IPv6
  struct Network {
    Bytes address;
    std::size_t bits;
  };

  static std::optional<Bytes> parse(std::string_view address);
  void add(std::string_view text);

  std::vector<Network> networks_;
};

}  // namespace sluice::app::detail
