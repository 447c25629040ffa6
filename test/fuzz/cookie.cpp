// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes cookies: no line of a server crashes the jar, makes it larger than its limits, or puts a
// control character into the header; what is saved is loaded again. Lines end with 0x0A.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/fetch.hpp>
#include <sluice/web/fetch/detail/cookie.hpp>
#include <string>
#include <string_view>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const sluice::http::URL url("https://a.example.org/x/y");
  const sluice::detail::WallTime now{std::chrono::seconds(1704067200)};
  sluice::CookieJar jar([now] { return now; });
  for (std::string_view rest = input; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    static_cast<void>(sluice::detail::cookieDate(line));
    const auto cookie = sluice::detail::parseCookie(line, url, now);
    if (!cookie) continue;
    require(cookie->name.size() + cookie->value.size() <= 4096);
    require(sluice::detail::domainMatches("a.example.org", cookie->domain));
    sluice::http::Headers headers;
    headers.append("Set-Cookie", line);
    jar.store(url, headers);
  }
  require(jar.size() <= 180 * 3);
  for (const char letter : jar.header(url)) {
    require(letter == '\t' || static_cast<unsigned char>(letter) >= 0x20);
  }
  sluice::CookieJar loaded([now] { return now; });
  loaded.load(input);
  require(loaded.size() <= 3000);
  sluice::CookieJar again([now] { return now; });
  again.load(loaded.save());
  require(again.size() == loaded.size());
  return 0;
}
