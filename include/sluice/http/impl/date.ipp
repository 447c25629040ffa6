// SPDX-License-Identifier: BSL-1.0
//
// Definitions of date.hpp.
#pragma once

#include <algorithm>
#include <sluice/http/detail/date.hpp>

namespace sluice::http {

SLUICE_DECL std::string formatDate(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  static constexpr std::string_view days = "SunMonTueWedThuFriSat";
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto day = floor<std::chrono::days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(time - day));
  std::string text = "Ddd, 00 Mmm 0000 00:00:00 GMT";
  const auto put = [&text](std::size_t place, std::size_t width, unsigned value) {
    for (std::size_t i = width; i-- > 0; value /= 10) {
      text[place + i] = static_cast<char>('0' + value % 10);
    }
  };
  text.replace(0, 3, days.substr(weekday(day).c_encoding() * 3, 3));
  put(5, 2, static_cast<unsigned>(date.day()));
  text.replace(8, 3, months.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3));
  put(12, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put(17, 2, static_cast<unsigned>(clock.hours().count()));
  put(20, 2, static_cast<unsigned>(clock.minutes().count()));
  put(23, 2, static_cast<unsigned>(clock.seconds().count()));
  return text;
}

namespace detail {

SLUICE_DECL std::string_view DateLine::at(std::chrono::system_clock::time_point wall,
                                          std::chrono::steady_clock::time_point now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(wall);
  until_ = now + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                     second + std::chrono::seconds(1) - wall);
  const std::string line = "Date: " + formatDate(second) + "\r\n";
  std::copy(line.begin(), line.end(), line_.begin());
  return last();
}

}  // namespace detail
}  // namespace sluice::http
