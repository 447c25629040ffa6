// SPDX-License-Identifier: BSL-1.0
//
// The Date line of a response, made anew once a second. RFC 9110 §5.6.7. Pure: it is told the time.
#pragma once

#include <sluice/config.hpp>
#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <string_view>

namespace sluice::http::detail {

/// The parts of a time in UTC.
std::tm utcParts(std::chrono::system_clock::time_point time);

class DateLine {
 public:
  /// "Date: …" with its CR LF, for this second; valid until the next call.
  std::string_view at(std::chrono::system_clock::time_point wall,
                      std::chrono::steady_clock::time_point now);
  /// Whether the line made last still holds: then nobody needs to ask for the time of day.
  bool holds(std::chrono::steady_clock::time_point now) const { return now < until_; }
  std::string_view last() const { return {line_.data(), line_.size()}; }

 private:
  std::array<char, 37> line_{};
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::time_point::min();
};

}  // namespace sluice::http::detail
