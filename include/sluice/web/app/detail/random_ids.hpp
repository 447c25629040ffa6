// SPDX-License-Identifier: BSL-1.0
//
// Names that do not repeat. They can be guessed, so they are no secrets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

  /// Sets `text` to so many hexadecimal digits, a multiple of 16 up to 32, not all of them 0.
  void next(std::string& text, std::size_t digits) {
    char made[32];
    std::uint64_t notAll0 = 1;
    for (std::size_t at = 0; at < digits; notAll0 = 0) {
      std::uint64_t number = engine_() | notAll0;
      for (const std::size_t end = at + 16; at < end; at += 2, number >>= 8) {
        std::memcpy(made + at, pairs.data() + 2 * (number & 0xFF), 2);
      }
    }
    text.assign(made, digits);
  }

 private:
  // The two digits of every byte.
  static constexpr std::array<char, 512> pairs = [] {
    constexpr const char* digits = "0123456789abcdef";
    std::array<char, 512> all{};
    for (std::size_t byte = 0; byte < 256; ++byte) {
      all[2 * byte] = digits[byte >> 4];
      all[2 * byte + 1] = digits[byte & 15];
    }
    return all;
  }();

  std::mt19937_64 engine_;
};

}  // namespace sluice::app::detail
