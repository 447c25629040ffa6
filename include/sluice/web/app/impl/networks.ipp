// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/networks.hpp>.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <sluice/error.hpp>
#include <sluice/task.hpp>
#include <sluice/web/app/detail/networks.hpp>

namespace sluice::app::detail {

SLUICE_DECL Networks::Networks(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (text == "loopback") {
      add("127.0.0.0/8");
      add("::1/128");
    } else if (text == "linklocal") {
      add("169.254.0.0/16");
      add("fe80::/10");
    } else if (text == "uniquelocal") {
      add("10.0.0.0/8");
      add("172.16.0.0/12");
      add("192.168.0.0/16");
      add("fc00::/7");
    } else {
      add(text);
    }
  }
}

SLUICE_DECL bool Networks::contains(std::string_view address) const {
  const auto bytes = parse(address.empty() ? "127.0.0.1" : address);
  if (!bytes) return false;
  for (const Network& network : networks_) {
    std::size_t bit = 0;
    while (bit < network.bits &&
           (((*bytes)[bit / 8] ^ network.address[bit / 8]) & (0x80U >> (bit % 8))) == 0) {
      ++bit;
    }
    if (bit == network.bits) return true;
  }
  return false;
}

SLUICE_DECL std::optional<Networks::Bytes> Networks::parse(std::string_view address) {
  boost::system::error_code ec;
  const auto parsed = asio::ip::make_address(std::string(address), ec);
  if (ec) return std::nullopt;
  if (parsed.is_v6()) return parsed.to_v6().to_bytes();
  Bytes mapped{};
  mapped[10] = mapped[11] = 0xFF;
  const auto four = parsed.to_v4().to_bytes();
  for (std::size_t index = 0; index < four.size(); ++index) mapped[12 + index] = four[index];
  return mapped;
}

SLUICE_DECL void Networks::add(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  const auto bytes = parse(address);
  const std::size_t most = address.find(':') == std::string_view::npos ? 32 : 128;
  std::size_t bits = most;
  bool valid = bytes.has_value();
  if (valid && slash != std::string_view::npos) {
    const char* const end = text.data() + text.size();
    const auto [last, ec] = std::from_chars(text.data() + slash + 1, end, bits);
    valid = ec == std::errc() && last == end && bits <= most;
  }
  if (!valid) {
    throw http::Error(http::errc::ERR_INVALID_ARG_VALUE,
                      "trustProxy: \"" + std::string(text) + "\" is no address or network");
  }
  networks_.push_back({*bytes, bits + (128 - most)});
}

}  // namespace sluice::app::detail
