// SPDX-License-Identifier: BSL-1.0
//
// One decoder for every coding: bytes in, bytes out, never more than there is room for.
#pragma once

#include <cstddef>
#include <memory>
#include <sluice/web/compress/coding.hpp>
#include <span>
#include <string_view>

namespace sluice::compress::detail {

class Decoder {
 public:
  struct Progress {
    std::size_t read = 0;
    std::size_t written = 0;
  };

  virtual ~Decoder() = default;

  /// Decodes until `input` is used up or `output` is full. A full output may mean that there is
  /// more without any input.
  ///
  /// throws  ERR_INVALID_CONTENT_ENCODING
  virtual Progress decode(std::string_view input, std::span<char> output) = 0;
  /// What was read is complete.
  virtual bool ended() const = 0;
};

/// throws  ERR_UNSUPPORTED_ENCODING if the coding is not built in
std::unique_ptr<Decoder> makeDecoder(Coding coding);

[[noreturn]] void throwDamaged();

}  // namespace sluice::compress::detail
