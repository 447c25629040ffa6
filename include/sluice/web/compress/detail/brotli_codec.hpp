// SPDX-License-Identifier: BSL-1.0
//
// br, by Google's brotli.
#pragma once

#if defined(SLUICE_BROTLI)

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <sluice/web/compress/detail/decoder.hpp>
#include <sluice/web/compress/detail/encoder.hpp>
#include <vector>

namespace sluice::compress::detail {

// Brotli's encoder cannot begin again: each body needs a new one. What one has freed the next one
// is given, so that a warm encoder asks the system for nothing.
class BrotliMemory {
 public:
  BrotliMemory() = default;
  BrotliMemory(const BrotliMemory&) = delete;
  BrotliMemory& operator=(const BrotliMemory&) = delete;
  ~BrotliMemory() {
    for (Block* block : free_) std::free(block);
  }

  static void* take(void* self, std::size_t size) {
    return static_cast<BrotliMemory*>(self)->take(size);
  }
  static void give(void* self, void* bytes) {
    if (bytes != nullptr) static_cast<BrotliMemory*>(self)->give(static_cast<Block*>(bytes) - 1);
  }

  std::size_t kept() const { return kept_; }

 private:
  // The size of a block stands before its bytes.
  struct alignas(std::max_align_t) Block {
    std::size_t size;
  };
  static constexpr std::size_t most = 4 * 1024 * 1024;

  void* take(std::size_t size) {
    // Steps of a quarter: sizes that depend on the body find what another body had.
    const std::size_t step = std::max<std::size_t>(std::bit_floor(size) / 4, 64);
    size = (size + step - 1) / step * step;
    const auto fits = std::find_if(free_.begin(), free_.end(),
                                   [size](const Block* block) { return block->size == size; });
    if (fits != free_.end()) {
      Block* block = *fits;
      *fits = free_.back();
      free_.pop_back();
      kept_ -= size;
      return block + 1;
    }
    auto* block = static_cast<Block*>(std::malloc(sizeof(Block) + size));
    if (block == nullptr) return nullptr;
    block->size = size;
    return block + 1;
  }

  void give(Block* block) {
    if (kept_ + block->size > most || free_.size() == free_.capacity()) {
      std::free(block);
      return;
    }
    kept_ += block->size;
    free_.push_back(block);
  }

  std::vector<Block*> free_ = [] {
    std::vector<Block*> blocks;
    blocks.reserve(256);
    return blocks;
  }();
  std::size_t kept_ = 0;
};

class BrotliCodingEncoder final : public Encoder {
 public:
  explicit BrotliCodingEncoder(Extent extent) : Encoder(Coding::br, extent) {}
  BrotliCodingEncoder(const BrotliCodingEncoder&) = delete;
  BrotliCodingEncoder& operator=(const BrotliCodingEncoder&) = delete;
  ~BrotliCodingEncoder() override { end(); }

  void begin(int level) override {
    end();
    state_ = BrotliEncoderCreateInstance(&BrotliMemory::take, &BrotliMemory::give, &memory_);
    if (state_ == nullptr) throw std::bad_alloc();
    const bool whole = extent() == Extent::whole;
    const int quality = level == 0 ? (whole ? 4 : 3) : std::clamp(level, 1, 11);
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(quality));
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, whole ? 18 : 16);
  }

  void encode(std::string_view bytes, Step step, std::string& out) override {
    const BrotliEncoderOperation operation = step == Step::more    ? BROTLI_OPERATION_PROCESS
                                             : step == Step::flush ? BROTLI_OPERATION_FLUSH
                                                                   : BROTLI_OPERATION_FINISH;
    auto next = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    do {
      std::size_t room = 0;
      if (BrotliEncoderCompressStream(state_, operation, &left, &next, &room, nullptr, nullptr) ==
          BROTLI_FALSE) {
        throw std::bad_alloc();
      }
      std::size_t size = 0;
      const std::uint8_t* made = BrotliEncoderTakeOutput(state_, &size);
      out.append(reinterpret_cast<const char*>(made), size);
    } while (left != 0 || BrotliEncoderHasMoreOutput(state_) != BROTLI_FALSE);
    if (step == Step::last) end();
  }

  std::size_t memory() const override { return memory_.kept(); }

 private:
  void end() {
    if (state_ != nullptr) BrotliEncoderDestroyInstance(state_);
    state_ = nullptr;
  }

  BrotliMemory memory_;
  BrotliEncoderState* state_ = nullptr;
};

class BrotliCodingDecoder final : public Decoder {
 public:
  BrotliCodingDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  BrotliCodingDecoder(const BrotliCodingDecoder&) = delete;
  BrotliCodingDecoder& operator=(const BrotliCodingDecoder&) = delete;
  ~BrotliCodingDecoder() override { BrotliDecoderDestroyInstance(state_); }

  Progress decode(std::string_view input, std::span<char> output) override {
    if (ended()) {
      if (!input.empty()) throwDamaged();
      return {};
    }
    auto next = reinterpret_cast<const std::uint8_t*>(input.data());
    auto out = reinterpret_cast<std::uint8_t*>(output.data());
    std::size_t left = input.size();
    std::size_t room = output.size();
    if (BrotliDecoderDecompressStream(state_, &left, &next, &room, &out, nullptr) ==
        BROTLI_DECODER_RESULT_ERROR) {
      throwDamaged();
    }
    return {input.size() - left, output.size() - room};
  }

  bool ended() const override { return BrotliDecoderIsFinished(state_) != BROTLI_FALSE; }

 private:
  BrotliDecoderState* state_;
};

}  // namespace sluice::compress::detail

#endif
