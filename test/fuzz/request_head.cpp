// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the heads of requests. Nothing crashes, what is accepted says so with views into the
// input, and the strict reading accepts nothing that the insecure one understands otherwise.
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

bool within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t limit = 1024;
  MessageParser strict(MessageParser::Kind::request);
  strict.reset({.maxHeaderSize = limit, .maxHeadersCount = 8});
  MessageParser insecure(MessageParser::Kind::request);
  insecure.reset({.maxHeaderSize = limit, .maxHeadersCount = 8, .insecure = true});

  const MessageParser::Status status = strict.parseHead(input);
  const MessageParser::Status relaxed = insecure.parseHead(input);
  require((status == MessageParser::Status::failed) == bool(strict.error()));
  if (status != MessageParser::Status::complete) return 0;

  require(relaxed == MessageParser::Status::complete);
  require(strict.consumed() == insecure.consumed() && strict.framing() == insecure.framing());
  require(strict.contentLength() == insecure.contentLength());
  require(strict.keepAlive() == insecure.keepAlive());

  require(strict.consumed() <= input.size() && strict.consumed() <= limit + maxBlankBytes);
  require(!strict.method().empty() && within(strict.method(), input));
  require(!strict.target().empty() && within(strict.target(), input));
  require(strict.framing() != Framing::untilClose && strict.headers().size() <= 8);
  for (const sluice::http::RawHeader line : strict.headers()) {
    require(!line.name.empty() && within(line.name, input) && within(line.value, input));
    require(line.value.find_first_of("\r\n") == std::string_view::npos);
  }
  return 0;
}
