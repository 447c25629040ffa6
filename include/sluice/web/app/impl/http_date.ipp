// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/http_date.hpp>.
#pragma once

#include <array>
#include <cstddef>
#include <sluice/detail/ascii.hpp>
#include <sluice/web/app/detail/http_date.hpp>

namespace sluice::app::detail {

namespace http_date {

inline constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Reads a text from left to right; every step fails after one that did.
struct Reader {
  std::string_view text;
  bool valid = true;

  void skip(std::string_view expected) {
    valid = valid && text.starts_with(expected);
    if (valid) text.remove_prefix(expected.size());
  }
  int number(std::size_t digits) {
    int value = 0;
    valid = valid && text.size() >= digits;
    for (std::size_t at = 0; valid && at < digits; ++at) {
      valid = sluice::detail::isDigit(text[at]);
      value = value * 10 + (text[at] - '0');
    }
    if (valid) text.remove_prefix(digits);
    return value;
  }
  unsigned month() {
    for (unsigned index = 0; index < months.size(); ++index) {
      if (!text.starts_with(months[index])) continue;
      text.remove_prefix(3);
      return index + 1;
    }
    valid = false;
    return 1;
  }
  std::chrono::seconds time() {
    const int hour = number(2);
    skip(":");
    const int minute = number(2);
    skip(":");
    const int second = number(2);
    valid = valid && hour < 24 && minute < 60 && second <= 60;
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  }
};

}  // namespace http_date

SLUICE_DECL std::optional<std::chrono::sys_seconds> parseHttpDate(std::string_view text) {
  using namespace std::chrono;
  http_date::Reader reader{text};
  int date = 0, year = 0;
  unsigned month = 1;
  seconds time{};
  const std::size_t comma = text.find(',');
  if (comma == 3) {  // Sun, 06 Nov 1994 08:49:37 GMT
    reader.text.remove_prefix(4);
    reader.skip(" ");
    date = reader.number(2);
    reader.skip(" ");
    month = reader.month();
    reader.skip(" ");
    year = reader.number(4);
    reader.skip(" ");
    time = reader.time();
    reader.skip(" GMT");
  } else if (comma != std::string_view::npos) {  // Sunday, 06-Nov-94 08:49:37 GMT
    reader.text.remove_prefix(comma + 1);
    reader.skip(" ");
    date = reader.number(2);
    reader.skip("-");
    month = reader.month();
    reader.skip("-");
    year = reader.number(2);
    year += year < 70 ? 2000 : 1900;
    reader.skip(" ");
    time = reader.time();
    reader.skip(" GMT");
  } else if (text.size() == 24) {  // Sun Nov  6 08:49:37 1994
    reader.text.remove_prefix(3);
    reader.skip(" ");
    month = reader.month();
    reader.skip(" ");
    if (reader.text.starts_with(' ')) {
      reader.skip(" ");
      date = reader.number(1);
    } else {
      date = reader.number(2);
    }
    reader.skip(" ");
    time = reader.time();
    reader.skip(" ");
    year = reader.number(4);
  } else {
    return std::nullopt;
  }
  const year_month_day day(std::chrono::year(year), std::chrono::month(month),
                           std::chrono::day(static_cast<unsigned>(date)));
  if (!reader.valid || !reader.text.empty() || !day.ok()) return std::nullopt;
  return sys_seconds(sys_days(day)) + time;
}

}  // namespace sluice::app::detail
