// SPDX-License-Identifier: BSL-1.0
//
// One encoder for every coding, with a memory that serves body after body.
#pragma once

#include <cstddef>
#include <memory>
#include <sluice/web/compress/coding.hpp>
#include <string>
#include <string_view>

namespace sluice::compress::detail {

/// What is known of a body when its encoder is chosen. A whole one is encoded at one go, so its
/// encoder may take the memory that makes it small; that of a stream is held as long as the client
/// reads, so it is small itself: 55 KiB for gzip, below 1 MiB for br and zstd.
enum class Extent { whole, stream };

enum class Step {
  more,   // the encoder may hold bytes back
  flush,  // everything that was given so far comes out
  last    // the body is over
};

class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Ready for another body. level: 0 is the coding's own choice.
  virtual void begin(int level) = 0;
  /// Appends to `out`.
  virtual void encode(std::string_view bytes, Step step, std::string& out) = 0;
  /// Bytes that it keeps between two bodies.
  virtual std::size_t memory() const = 0;

  Coding coding() const { return coding_; }
  Extent extent() const { return extent_; }

 protected:
  Encoder(Coding coding, Extent extent) : coding_(coding), extent_(extent) {}

 private:
  Coding coding_;
  Extent extent_;
};

[[noreturn]] void throwNotBuiltIn(Coding coding);

/// throws  ERR_UNSUPPORTED_ENCODING if the coding is not built in
std::unique_ptr<Encoder> makeEncoder(Coding coding, Extent extent);

}  // namespace sluice::compress::detail
