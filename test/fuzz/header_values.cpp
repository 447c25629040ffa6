// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the readers of header values: negotiation, dates, entity tags, lists, trust in proxies,
// traces, and the cookies that are written. The first line of the input is a header's value, the
// second one what it is compared with.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sluice/app.hpp>
#include <sluice/fetch.hpp>
#include <sluice/web/app/detail/cookie_line.hpp>
#include <sluice/web/app/detail/http_date.hpp>
#include <sluice/web/app/detail/negotiation.hpp>
#include <sluice/web/app/detail/networks.hpp>
#include <sluice/web/app/detail/preconditions.hpp>
#include <sluice/web/detail/text.hpp>
#include <sluice/web/fetch/detail/redirection.hpp>
#include <string>
#include <string_view>

using namespace sluice::app::detail;
namespace app = sluice::app;
namespace http = sluice::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool isPartOf(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void checkLists(std::string_view value, std::string_view other) {
  std::size_t elements = 0;
  for (std::string_view rest = value; !rest.empty(); ++elements) {
    const std::size_t before = rest.size();
    require(isPartOf(takeElement(rest), value));
    require(rest.size() < before);
  }
  require(elements <= value.size());
  sluice::web::detail::forEachItem(value, [&](std::string_view item) {
    require(isPartOf(item, value) && !item.empty() && item == trimBlanks(item));
    require(item.find(',') == std::string_view::npos);
    require(sluice::web::detail::listHas(value, sluice::web::detail::partBefore(item, ";=")));
  });
  if (const auto parameter = parameterOf(value, other)) require(parameter->size() < value.size());
}

void checkNegotiation(std::string_view accept, std::string_view type) {
  const int quality = qualityOf(accept);
  require(quality >= 0 && quality <= 1000);
  const Liking liking = likingOf(accept, type);
  require(liking.quality >= 0 && liking.quality <= 1000);
  require(liking.closeness >= 0 && liking.closeness < 16);
  require(liking.place <= accept.size() && !liking.isMoreThan(liking));
  // What does not name the type at all does not like it.
  require(liking.closeness != 0 || liking.quality == 0);
  const std::string_view plain = plainMediaType(type);
  require(plain == trimBlanks(plain));
  require(plainMediaType(plain) == plain || plain.find('/') == std::string_view::npos);
  if (plain.find('/') != std::string_view::npos) require(matchesMediaRange("*/*", plain));
  static_cast<void>(matchesMediaRange(accept, type));
}

void checkDates(std::string_view value) {
  const auto date = parseHttpDate(value);
  // The machine's clock ends in 2262.
  constexpr auto last = std::chrono::sys_days(std::chrono::year(2262) / 1 / 1);
  constexpr auto first = std::chrono::sys_days(std::chrono::year(1678) / 1 / 1);
  if (date && *date >= first && *date < last)
    require(parseHttpDate(http::formatDate(*date)) == date);
}

void checkPreconditionsOf(std::string_view value, std::string_view etag) {
  if (listsTag(value, etag, false)) require(listsTag(value, etag, true));
  if (trimBlanks(value) != "*") require(!listsTag(value, "", true));
  for (const std::string_view name :
       {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"}) {
    http::Headers headers;
    headers.append(name, value);
    const Validators none{};
    const Validators current{etag, std::chrono::sys_seconds(std::chrono::seconds(784111777))};
    static_cast<void>(rangeApplies(headers, none));
    static_cast<void>(rangeApplies(headers, current));
    const Verdict verdict = checkPreconditions(headers, current);
    // If-Match and If-Unmodified-Since fail, the others say that nothing was modified.
    const bool fails = name == "If-Match" || name == "If-Unmodified-Since";
    require(verdict != (fails ? Verdict::notModified : Verdict::failed));
    if (name == "If-Range") require(verdict == Verdict::proceed);
  }
}

void checkTrust(std::string_view network, std::string_view address) {
  try {
    const Networks networks({std::string(network)});
    require(!networks.empty());
    const std::string_view own = network.substr(0, network.find('/'));
    const bool isName = network == "loopback" || network == "linklocal" || network == "uniquelocal";
    if (!isName) require(networks.contains(own));
    if (networks.contains(address) && !address.empty()) {
      boost::system::error_code ec;
      boost::asio::ip::make_address(std::string(address), ec);
      require(!ec);
    }
  } catch (const http::Error&) {
    // It is no network.
  }
}

void checkTrace(std::string_view value) {
  const auto trace = app::parseTraceparent(value);
  if (!trace) return;
  require(trace->traceId.size() == 32 && trace->parentId.size() == 16 && trace->spanId.empty());
  app::Trace next = *trace;
  next.spanId = trace->parentId;
  const auto again = app::parseTraceparent(next.header());
  require(again && again->traceId == trace->traceId && again->parentId == trace->parentId);
  require(again->sampled == trace->sampled);
}

void checkWrittenCookie(std::string_view value, std::string_view path) {
  try {
    const std::string line = cookieLine("name", value, {.path = path, .domain = {}});
    for (const char letter : line) require(letter >= ' ' && letter < 0x7F);
    const std::size_t parts = static_cast<std::size_t>(std::ranges::count(line, ';'));
    require(parts == (path.empty() ? 0 : 1));
  } catch (const http::Error&) {
    // The path has what a path must not have.
  }
}

void checkRetryAfter(std::string_view value) {
  const std::chrono::system_clock::time_point now{std::chrono::seconds(1704067200)};
  if (const auto wait = sluice::detail::retryAfter(value, now)) {
    require(wait->count() >= 0 && *wait <= std::chrono::hours(24));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view value = input.substr(0, input.find('\n'));
  const std::string_view other = input.substr(std::min(value.size() + 1, input.size()));
  // No header holds these: the parser refuses them before.
  if (value.find('\r') != std::string_view::npos || value.find('\0') != std::string_view::npos) {
    return 0;
  }
  checkLists(value, other);
  checkNegotiation(value, other);
  checkDates(value);
  checkTrust(value, other);
  checkTrace(value);
  checkWrittenCookie(value, other);
  checkRetryAfter(value);
  try {
    checkPreconditionsOf(value, other);
  } catch (const http::Error&) {
    // Headers::append() refuses it.
  }
  return 0;
}
