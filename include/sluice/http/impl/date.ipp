// SPDX-License-Identifier: BSL-1.0
//
// Definitions of date.hpp.
#pragma once

#include <algorithm>
#include <sluice/http/detail/wire/date.hpp>
#include <sluice/http/headers.hpp>

namespace sluice::http {

SLUICE_DECL std::tm detail::utcParts(std::chrono::system_clock::time_point time) {
  // The system's own function: C++20's calendar takes a hundred functions more to compile.
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(second);
  std::tm parts{};
#if defined(_WIN32)
  ::gmtime_s(&parts, &seconds);
#else
  ::gmtime_r(&seconds, &parts);
#endif
  return parts;
}

SLUICE_DECL std::string formatDate(std::chrono::system_clock::time_point time) {
  const std::tm date = detail::utcParts(time);
  static constexpr std::string_view days = "SunMonTueWedThuFriSat";
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  std::string text = "Ddd, 00 Mmm 0000 00:00:00 GMT";
  const auto put = [&text](std::size_t place, std::size_t width, int value) {
    for (std::size_t i = width; i-- > 0; value /= 10) {
      text[place + i] = static_cast<char>('0' + value % 10);
    }
  };
  const auto name = [](std::string_view names, int index) {
    return names.substr(static_cast<std::size_t>(index) * 3, 3);
  };
  text.replace(0, 3, name(days, date.tm_wday));
  put(5, 2, date.tm_mday);
  text.replace(8, 3, name(months, date.tm_mon));
  put(12, 4, 1900 + date.tm_year);
  put(17, 2, date.tm_hour);
  put(20, 2, date.tm_min);
  put(23, 2, date.tm_sec);
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
