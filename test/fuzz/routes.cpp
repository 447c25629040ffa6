// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes patterns and paths: a pattern is refused or found again, a normalised path stays as it is
// and leads nowhere up. Lines of the input are patterns, the last one is a target.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/app.hpp>
#include <sluice/web/app/detail/route_tree.hpp>
#include <sluice/web/app/detail/target_path.hpp>
#include <string>
#include <string_view>

using namespace sluice::app::detail;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void requireNoWayUp(std::string_view path) {
  const std::string all = std::string(path) + '/';
  require(all.find("/../") == std::string::npos && all.find("/./") == std::string::npos);
  require(path.find('\0') == std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  RouteTree tree(true);
  std::size_t count = 0;
  for (std::size_t end = input.find('\n'); end != std::string_view::npos; end = input.find('\n')) {
    try {
      for (const PatternTokens& variant : parsePattern(input.substr(0, end))) {
        require(tree.add(variant, count) <= count);
        ++count;
      }
    } catch (const PatternError&) {
      // Refused, and the tree is as it was.
    }
    input.remove_prefix(end + 1);
  }
  TargetPath path;
  if (!path.assign(input)) return 0;
  requireNoWayUp(path.decoded());
  require(path.decoded().size() == path.segments().size());
  if (path.decoded() != "*") require(path.decoded().starts_with('/'));
  Captures captures;
  for (const bool prefix : {false, true}) {
    const auto accept = [&](std::size_t number, std::size_t values, std::size_t end) {
      require(number < count && values <= maxParams && end <= path.segments().size());
      for (std::size_t index = 0; index < values; ++index) {
        require(captures[index].size > 0 && captures[index].at + captures[index].size <= end);
      }
      return false;
    };
    if (prefix)
      tree.matchPrefix(path.segments(), captures, accept);
    else
      tree.match(path.segments(), captures, accept);
  }
  return 0;
}
