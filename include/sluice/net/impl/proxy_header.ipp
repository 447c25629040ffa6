// SPDX-License-Identifier: BSL-1.0
//
// Definitions of proxy_header.hpp. The protocol is HAProxy's doc/proxy-protocol.txt.
#pragma once

#include <algorithm>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <sluice/error.hpp>
#include <sluice/net/detail/proxy_header.hpp>
#include <string>
#include <system_error>
#include <utility>

namespace sluice::net::detail {

inline constexpr std::string_view proxyLineStart = "PROXY ";
inline constexpr std::string_view shortestProxyLine = "PROXY UNKNOWN\r\n";
inline constexpr std::string_view proxySignature("\r\n\r\n\0\r\nQUIT\n", 12);
// Signature, version and command, family, length.
inline constexpr std::size_t proxyFixedPart = 16;

SLUICE_DECL std::span<char> ProxyHeader::room() {
  if (status_ != Status::needMore) return {};
  return std::span(bytes_).subspan(size_, wanted());
}

SLUICE_DECL std::size_t ProxyHeader::wanted() const {
  if (size_ == 0) return shortestProxyLine.size();
  if (bytes_[0] == proxyLineStart[0]) return wantedOfLine();
  if (size_ < proxyFixedPart) return proxyFixedPart - size_;
  const auto at = [this](std::size_t index) { return static_cast<unsigned char>(bytes_[index]); };
  return proxyFixedPart + at(14) * 256u + at(15) - size_;
}

// At least so many bytes of the line are missing, whatever they are.
SLUICE_DECL std::size_t ProxyHeader::wantedOfLine() const {
  if (size_ < shortestProxyLine.size()) return shortestProxyLine.size() - size_;
  if (bytes_[size_ - 1] == '\r') return 1;
  std::size_t least = 2;
  constexpr std::ptrdiff_t spaces = 5;
  const std::ptrdiff_t missing = spaces - std::count(text().begin(), text().end(), ' ');
  // Each space that is missing has a field after it.
  if (text().starts_with("PROXY TCP") && missing > 0) {
    least += 2 * static_cast<std::size_t>(missing);
  }
  return std::min(least, maxLine - size_);
}

SLUICE_DECL ProxyHeader::Status ProxyHeader::received(std::size_t count) {
  size_ += count;
  status_ = read();
  return status_;
}

SLUICE_DECL ProxyHeader::Status ProxyHeader::read() {
  if (size_ == 0) return Status::needMore;
  const bool isLine = bytes_[0] == proxyLineStart[0];
  const std::string_view begin = isLine ? proxyLineStart : proxySignature;
  if (!begin.starts_with(text().substr(0, begin.size()))) return Status::failed;
  return isLine ? readLine() : readBinary();
}

SLUICE_DECL ProxyHeader::Status ProxyHeader::readLine() {
  const std::size_t end = text().find('\n');
  if (end == std::string_view::npos) return size_ < maxLine ? Status::needMore : Status::failed;
  if (end + 1 != size_ || bytes_[end - 1] != '\r') return Status::failed;
  const std::string_view fields = text().substr(0, end - 1).substr(proxyLineStart.size());
  return readFields(fields) ? Status::complete : Status::failed;
}

// "heading zeroes are not permitted"
inline std::optional<std::uint16_t> proxyPort(std::string_view digits) {
  std::uint16_t port = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, port);
  const bool zeroes = digits.size() > 1 && digits[0] == '0';
  if (error != std::errc() || end != last || zeroes) return std::nullopt;
  return port;
}

inline std::string proxyIp(std::string_view text, bool six) {
  error_code ec;
  // No zone: it would be one of the proxy's machine. Windows takes "[::1]:80" for an address too.
  if (text.find_first_of("%[]") != std::string_view::npos) return {};
  const std::string copy(text);
  const std::string ip = six ? asio::ip::make_address_v6(copy.c_str(), ec).to_string()
                             : asio::ip::make_address_v4(copy.c_str(), ec).to_string();
  // Windows also takes 1.2.3 for one, and means 1.2.0.3.
  return ec || (!six && ip != text) ? std::string() : ip;
}

SLUICE_DECL bool ProxyHeader::readFields(std::string_view fields) {
  // What stands after UNKNOWN is to be ignored.
  if (fields == "UNKNOWN" || fields.starts_with("UNKNOWN ")) return true;
  const auto next = [&fields] {
    const std::size_t end = std::min(fields.find(' '), fields.size());
    const std::string_view field = fields.substr(0, end);
    fields.remove_prefix(std::min(end + 1, fields.size()));
    return field;
  };
  if (std::count(fields.begin(), fields.end(), ' ') != 4) return false;
  const std::string_view family = next();
  if (family != "TCP4" && family != "TCP6") return false;
  const bool six = family == "TCP6";
  const std::string_view from = next();
  const std::string_view to = next();
  const std::string_view fromDigits = next();
  const auto fromPort = proxyPort(fromDigits);
  const auto toPort = proxyPort(fields);
  Ends ends;
  ends.remote.address = proxyIp(from, six);
  ends.local.address = proxyIp(to, six);
  if (!fromPort || !toPort || ends.remote.address.empty() || ends.local.address.empty()) {
    return false;
  }
  ends.remote.port = *fromPort;
  ends.local.port = *toPort;
  ends.remote.family = ends.local.family = six ? "IPv6" : "IPv4";
  ends_ = std::move(ends);
  return true;
}

template <class Ip>
inline std::string proxyIpAt(std::string_view bytes) {
  typename Ip::bytes_type raw;
  std::memcpy(raw.data(), bytes.data(), raw.size());
  return Ip(raw).to_string();
}

SLUICE_DECL ProxyHeader::Status ProxyHeader::readBinary() {
  const auto at = [this](std::size_t index) { return static_cast<unsigned char>(bytes_[index]); };
  // Each is refused as soon as it is seen: version 2, command LOCAL or PROXY; the family and the
  // transport are among those that are defined.
  if (size_ > 12 && at(12) != 0x20 && at(12) != 0x21) return Status::failed;
  if (size_ > 13 && ((at(13) >> 4) > 3 || (at(13) & 15) > 2)) return Status::failed;
  if (size_ < proxyFixedPart) return Status::needMore;
  const std::size_t length = at(14) * 256u + at(15);
  if (proxyFixedPart + length > maxSize) return Status::failed;
  const unsigned family = at(13);
  const bool six = family == 0x21;
  const std::size_t ipSize = six ? 16 : 4;
  const bool tells = at(12) == 0x21 && (six || family == 0x11);
  if (tells && length < 2 * ipSize + 4) return Status::failed;
  if (size_ < proxyFixedPart + length) return Status::needMore;
  if (!tells) return Status::complete;
  // What follows the ports are extensions, which are skipped.
  const std::string_view block = text().substr(proxyFixedPart);
  const auto ip = [&](std::size_t from) {
    return six ? proxyIpAt<asio::ip::address_v6>(block.substr(from))
               : proxyIpAt<asio::ip::address_v4>(block.substr(from));
  };
  const auto port = [&](std::size_t index) {
    const std::size_t from = proxyFixedPart + 2 * ipSize + 2 * index;
    return static_cast<std::uint16_t>(at(from) * 256u + at(from + 1));
  };
  const char* const name = six ? "IPv6" : "IPv4";
  ends_.emplace();
  ends_->remote.address = ip(0);
  ends_->remote.family = name;
  ends_->remote.port = port(0);
  ends_->local.address = ip(ipSize);
  ends_->local.family = name;
  ends_->local.port = port(1);
  return Status::complete;
}

}  // namespace sluice::net::detail
