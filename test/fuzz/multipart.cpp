// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the reader of multipart forms: nothing crashes, and a body is read alike however it is
// cut. The first byte says how large the pieces are.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/app.hpp>
#include <sluice/web/app/detail/multipart_parser.hpp>
#include <string>
#include <string_view>

using sluice::app::detail::MultipartParser;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string parsed(std::string_view body, std::size_t step) {
  MultipartParser parser("B", 100);
  std::string seen;
  while (!body.empty()) {
    // A copy of its own, so that a view past its end is noticed.
    const std::string piece(body.substr(0, step));
    body.remove_prefix(piece.size());
    std::string_view input = piece;
    while (true) {
      using Event = MultipartParser::Event;
      const Event event = parser.next(input);
      if (event == Event::needMore) break;
      if (event == Event::data) {
        require(!parser.data().empty());
        seen += parser.data();
        continue;
      }
      require(parser.header().size() <= 100);
      seen += "\n#" + std::to_string(static_cast<int>(event));
      if (event == Event::part) seen += parser.header();
      if (event == Event::end || event == Event::failed || event == Event::tooLarge) return seen;
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  require(parsed(body, 1 + data[0]) == parsed(body, body.size() + 1));
  sluice::app::detail::boundaryOf(body);
  const std::string name = sluice::app::detail::fileNameOf(body);
  require(name.find_first_of("/\\") == std::string::npos);
  return 0;
}
