// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the heads of responses. The first byte picks the request that is answered and the limits.
// Nothing crashes, and what is accepted is consistent.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <string_view>

using namespace sluice::http::detail;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view methods[] = {"GET", "HEAD", "CONNECT", "POST"};
  const std::string_view method = methods[data[0] & 3];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  MessageParser parser(MessageParser::Kind::response);
  parser.reset({.maxHeaderSize = 1024, .insecure = (data[0] & 4) != 0});
  parser.setRequestMethod(method);

  const MessageParser::Status status = parser.parseHead(input);
  require((status == MessageParser::Status::failed) == bool(parser.error()));
  if (status != MessageParser::Status::complete) return 0;

  const int code = parser.statusCode();
  require(code >= 100 && code <= 999);
  if (method == "HEAD" || code < 200 || code == 204 || code == 304) {
    require(parser.framing() == Framing::none);
  }
  if (parser.framing() == Framing::untilClose) require(!parser.keepAlive());
  require(parser.statusMessage().find_first_of("\r\n") == std::string_view::npos);
  for (const sluice::http::RawHeader line : parser.headers()) {
    require(!line.name.empty());
    require(line.value.find_first_of("\r\n") == std::string_view::npos);
  }
  return 0;
}
