// SPDX-License-Identifier: BSL-1.0
//
// Names that do not repeat. They can be guessed, so they are no secrets.
#pragma once

#include <array>
#include <bit>
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
    for (std::uint64_t& word : state_) word = std::uint64_t{device()} << 32 | device();
    state_[0] |= 1;  // all 0 would stay so
  }

  /// Sets `text` to so many hexadecimal digits, a multiple of 16 up to 32, not all of them 0.
  void next(std::string& text, std::size_t digits) {
    char made[32];
    std::uint64_t notAll0 = 1;
    for (std::size_t at = 0; at < digits; at += 16, notAll0 = 0) {
      const std::uint64_t number = random() | notAll0;
      const std::uint64_t halves[] = {eightDigits(number & 0x0F0F'0F0F'0F0F'0F0FU),
                                      eightDigits(number >> 4 & 0x0F0F'0F0F'0F0F'0F0FU)};
      std::memcpy(made + at, halves, sizeof halves);
    }
    text = std::string(made, digits);
  }

 private:
  // xoshiro256++ of Blackman and Vigna. The state of the standard library's engines is 2.5 KB.
  std::uint64_t random() {
    const std::uint64_t number = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return number;
  }

  // The digit of each byte, which is below 16.
  static constexpr std::uint64_t eightDigits(std::uint64_t values) {
    constexpr std::uint64_t everyByte = 0x0101'0101'0101'0101U;
    const std::uint64_t letters = (values + 6 * everyByte) >> 4 & everyByte;
    return values + '0' * everyByte + letters * ('a' - '0' - 10);
  }

  std::array<std::uint64_t, 4> state_;
};

}  // namespace sluice::app::detail
