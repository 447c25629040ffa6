// SPDX-License-Identifier: BSL-1.0
//
// The header of the PROXY protocol, whole and byte by byte, and that nothing after it is read.
#include <algorithm>
#include <cstring>
#include <sluice/net/detail/proxy_header.hpp>
#include <string>
#include <string_view>
#include "support/catch.hpp"

namespace {

using sluice::net::detail::ProxyHeader;
using Status = ProxyHeader::Status;

// What becomes of `bytes`, of which a read gives at most `step`: "remote > local", "itself" if the
// header names nobody, "more", "bad"; and what of the bytes was not read.
std::string read(std::string_view bytes, std::size_t step) {
  ProxyHeader header;
  while (!bytes.empty() && header.status() == Status::needMore) {
    const std::span<char> room = header.room();
    REQUIRE(!room.empty());
    const std::size_t count = std::min({room.size(), bytes.size(), step});
    std::memcpy(room.data(), bytes.data(), count);
    bytes.remove_prefix(count);
    header.received(count);
  }
  if (header.status() == Status::needMore) return "more";
  CHECK(header.room().empty());
  if (header.status() == Status::failed) return "bad";
  std::string result = "itself";
  if (const auto& ends = header.ends()) {
    CHECK(ends->remote.family == ends->local.family);
    result = ends->remote.family + ' ' + ends->remote.address + ' ' +
             std::to_string(ends->remote.port) + " > " + ends->local.address + ' ' +
             std::to_string(ends->local.port);
  }
  return bytes.empty() ? result : result + " and " + std::string(bytes);
}

std::string everyWay(std::string_view bytes) {
  const std::string whole = read(bytes, bytes.size() + 1);
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    INFO("in pieces of " << step);
    CHECK(read(bytes, step) == whole);
  }
  return whole;
}

// A header of version 2.
std::string binary(unsigned command, unsigned family, std::string_view block) {
  std::string bytes("\r\n\r\n\0\r\nQUIT\n", 12);
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  bytes += static_cast<char>(block.size() >> 8);
  bytes += static_cast<char>(block.size() & 255);
  return bytes.append(block);
}

const std::string tcp4("\xC0\x00\x02\x01\xC6\x33\x64\x02\xDC\x04\x01\xBB", 12);
const std::string tcp6 = std::string("\x20\x01\x0D\xB8", 4) + std::string(11, '\0') + '\1' +
                         std::string(15, '\0') + '\1' + std::string("\x00\x50\x1F\x90", 4);

}  // namespace

TEST_CASE("a PROXY line gives both ends of the connection", "[ProxyHeader]") {
  CHECK(everyWay("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n") ==
        "IPv4 192.0.2.1 56324 > 198.51.100.2 443");
  CHECK(everyWay("PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n") == "IPv4 1.2.3.4 0 > 5.6.7.8 65535");
  CHECK(everyWay("PROXY TCP6 2001:db8::1 ::1 80 8080\r\n") == "IPv6 2001:db8::1 80 > ::1 8080");
  CHECK(everyWay("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n") ==
        "IPv6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 > "
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535");
}

TEST_CASE("nothing after a PROXY header is read", "[ProxyHeader]") {
  CHECK(everyWay("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n") ==
        "IPv4 1.2.3.4 1 > 5.6.7.8 2 and GET / HTTP/1.1\r\n");
  CHECK(everyWay("PROXY TCP6 :: :: 0 0\r\nx") == "IPv6 :: 0 > :: 0 and x");
  CHECK(everyWay("PROXY UNKNOWN\r\n\r\n") == "itself and \r\n");
  CHECK(everyWay(binary(0x20, 0, "") + "\r\n\r\n") == "itself and \r\n\r\n");
  CHECK(everyWay(binary(0x21, 0x11, tcp4) + "PROXY ") ==
        "IPv4 192.0.2.1 56324 > 198.51.100.2 443 and PROXY ");
}

TEST_CASE("a PROXY line may say that it knows nothing", "[ProxyHeader]") {
  CHECK(everyWay("PROXY UNKNOWN\r\n") == "itself");
  CHECK(everyWay("PROXY UNKNOWN ffff::1 whatever 1 2 3\r\n") == "itself");
  CHECK(everyWay("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n") == "itself");
}

TEST_CASE("a PROXY line that is not one is refused", "[ProxyHeader]") {
  for (const char* line : {
           "GET / HTTP/1.1\r\n",
           "PROXY\r\n",
           "PROXY \r\n",
           "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
           "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
           "PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
           "PROXY TCP4 1.2.3.4\n5.6.7.8 1 2\r\n",
           "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
           "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
           "PROXY TCP4 ::1 ::1 1 2\r\n",
           "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
           "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
           "PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
           "PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
           "PROXY TCP4 1.2.3.4 5.6.7.8 1 2x\r\n",
           "PROXY UNKNOWNS a b c d e\r\n",
       }) {
    INFO(line);
    CHECK(everyWay(line).substr(0, 3) == "bad");
  }
  CHECK(everyWay("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n") == "bad");
  CHECK(everyWay("PROXY TCP4 " + std::string(1000, '1')) == "bad");
  CHECK(everyWay("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r") == "more");
  CHECK(everyWay("PRO") == "more");
}

TEST_CASE("a binary PROXY header gives both ends, and its extensions are skipped",
          "[ProxyHeader]") {
  CHECK(everyWay(binary(0x21, 0x11, tcp4)) == "IPv4 192.0.2.1 56324 > 198.51.100.2 443");
  CHECK(everyWay(binary(0x21, 0x21, tcp6)) == "IPv6 2001:db8::1 80 > ::1 8080");
  CHECK(everyWay(binary(0x21, 0x11, tcp4 + std::string("\x04\x00\x03xyz\x02\x00\x00", 9))) ==
        "IPv4 192.0.2.1 56324 > 198.51.100.2 443");
  CHECK(everyWay(binary(0x21, 0x11, tcp4 + std::string(508, '\xFF'))) ==
        "IPv4 192.0.2.1 56324 > 198.51.100.2 443");
}

TEST_CASE("a binary PROXY header may be about no TCP connection", "[ProxyHeader]") {
  CHECK(everyWay(binary(0x20, 0x00, "")) == "itself");          // LOCAL
  CHECK(everyWay(binary(0x20, 0x11, tcp4)) == "itself");        // LOCAL, whatever else it says
  CHECK(everyWay(binary(0x20, 0x11, "short")) == "itself");     //
  CHECK(everyWay(binary(0x21, 0x00, "abcdefgh")) == "itself");  // unspecified
  CHECK(everyWay(binary(0x21, 0x12, tcp4)) == "itself");        // UDP
  CHECK(everyWay(binary(0x21, 0x31, std::string(216, 'u'))) == "itself");  // a Unix socket
}

TEST_CASE("a binary PROXY header that breaks the protocol is refused", "[ProxyHeader]") {
  CHECK(everyWay(binary(0x11, 0x11, tcp4)) == "bad");  // version 1
  CHECK(everyWay(binary(0x22, 0x11, tcp4)) == "bad");  // an unknown command
  CHECK(everyWay(binary(0x21, 0x41, tcp4)) == "bad");  // an unknown family
  CHECK(everyWay(binary(0x21, 0x13, tcp4)) == "bad");  // an unknown transport
  CHECK(everyWay(binary(0x21, 0x11, tcp4.substr(1))) == "bad");
  CHECK(everyWay(binary(0x21, 0x21, tcp6.substr(1))) == "bad");
  CHECK(everyWay(binary(0x21, 0x11, tcp4 + std::string(509, 'x'))) == "bad");  // 537 bytes
  CHECK(everyWay(binary(0x20, 0x00, std::string(65535, 'x'))) == "bad");
  CHECK(everyWay("\r\n\r\nGET / HTTP/1.1\r\n") == "bad");
  CHECK(everyWay(binary(0x21, 0x11, tcp4).substr(0, 27)) == "more");
}
