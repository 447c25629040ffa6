// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the header of the PROXY protocol. The first byte says how many bytes a read gives. However
// the bytes come the answer is the same, no header is larger than its limit, and what a header
// names are addresses that can be read.
#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sluice/error.hpp>
#include <sluice/net/detail/proxy_header.hpp>
#include <string_view>
#include <tuple>

namespace {

using sluice::net::detail::ProxyHeader;

void require(bool holds) {
  if (!holds) std::abort();
}

// The header, and how many bytes it took.
std::tuple<ProxyHeader, std::size_t> read(std::string_view bytes, std::size_t step) {
  ProxyHeader header;
  std::size_t taken = 0;
  while (taken != bytes.size() && header.status() == ProxyHeader::Status::needMore) {
    const std::span<char> room = header.room();
    require(!room.empty());
    const std::size_t count = std::min({room.size(), bytes.size() - taken, step});
    std::memcpy(room.data(), bytes.data() + taken, count);
    header.received(count);
    taken += count;
  }
  require(taken <= ProxyHeader::maxSize);
  return {header, taken};
}

void requireAddress(const sluice::net::Address& end) {
  sluice::error_code ec;
  const auto ip = boost::asio::ip::make_address(end.address, ec);
  require(!ec && end.family == (ip.is_v6() ? "IPv6" : "IPv4") && end.path.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto [whole, taken] = read(bytes, bytes.size());
  const auto [pieces, takenOfPieces] = read(bytes, std::size_t{1} + data[0] % 32);
  require(whole.status() == pieces.status() && whole.ends() == pieces.ends());
  if (whole.status() == ProxyHeader::Status::complete) require(taken == takenOfPieces);
  if (const auto& ends = whole.ends()) {
    requireAddress(ends->remote);
    requireAddress(ends->local);
  }
  return 0;
}
