// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes http::URL: nothing crashes, canParse() and the constructor agree, and href() is a fixed
// point, before and after an edit of the query. What stands before a byte 0xFF is the base.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/url.hpp>
#include <string>
#include <string_view>

using sluice::http::URL;
using sluice::http::URLSearchParams;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::optional<URL> parse(std::string_view input, const std::optional<std::string_view>& base) {
  try {
    return base ? URL(input, *base) : URL(input);
  } catch (const sluice::http::Error&) {
    return std::nullopt;
  }
}

void requireFixedPoint(const URL& url) {
  const URL again(url.href());
  require(again.href() == url.href());
  require(again.protocol() == url.protocol() && again.username() == url.username());
  require(again.password() == url.password() && again.host() == url.host());
  require(again.pathname() == url.pathname() && again.search() == url.search());
  require(again.hash() == url.hash() && again.origin() == url.origin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::optional<std::string_view> base;
  if (const std::size_t end = input.find('\xFF'); end != std::string_view::npos) {
    base = input.substr(0, end);
    input.remove_prefix(end + 1);
  }

  const URLSearchParams params(input);
  require(URLSearchParams(params.toString()) == params);

  std::optional<URL> url = parse(input, base);
  require(url.has_value() == (base ? URL::canParse(input, *base) : URL::canParse(input)));
  if (!url) return 0;
  requireFixedPoint(*url);
  url->searchParams().sort();
  requireFixedPoint(*url);
  url->searchParams() = URLSearchParams();
  requireFixedPoint(*url);
  return 0;
}
