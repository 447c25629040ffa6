// SPDX-License-Identifier: BSL-1.0
//
// Names that do not repeat. They can be guessed, so they are no secrets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <sluice/web/app/config.hpp>
#include <string>

namespace sluice::app::detail {

class RandomIds {
 public:
  RandomIds() {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    engine_.seed(seed);
  }

  /// So many hexadecimal digits, a multiple of 16, not all of them 0.
  std::string next(std::size_t digits) {
    constexpr std::string_view letters = "0123456789abcdef";
    std::string text;
    while (text.size() < digits) {
      std::uint64_t number = engine_() | (text.empty() ? 1U : 0U);
      for (int index = 0; index < 16; ++index, number >>= 4) text += letters[number & 15];
    }
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace sluice::app::detail
