// SPDX-License-Identifier: BSL-1.0
//
// Names that do not repeat. They can be guessed, so they are no secrets.
#pragma once

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
    for (std::size_t at = 0; at < digits; at += 16, notAll0 = 0) {
      const std::uint64_t number = engine_() | notAll0;
      const std::uint64_t halves[] = {eightDigits(number & 0x0F0F'0F0F'0F0F'0F0FU),
                                      eightDigits(number >> 4 & 0x0F0F'0F0F'0F0F'0F0FU)};
      std::memcpy(made + at, halves, sizeof halves);
    }
    text = std::string(made, digits);
  }

 private:
  // The digit of each byte, which is below 16.
  static constexpr std::uint64_t eightDigits(std::uint64_t values) {
    constexpr std::uint64_t everyByte = 0x0101'0101'0101'0101U;
    const std::uint64_t letters = (values + 6 * everyByte) >> 4 & everyByte;
    return values + '0' * everyByte + letters * ('a' - '0' - 10);
  }

  std::mt19937_64 engine_;
};

}  // namespace sluice::app::detail
