// SPDX-License-Identifier: BSL-1.0
//
// zstd, by the library of that name.
#pragma once

#if defined(SLUICE_ZSTD)

#include <zstd.h>
#include <algorithm>
#include <new>
#include <sluice/web/compress/detail/decoder.hpp>
#include <sluice/web/compress/detail/encoder.hpp>

namespace sluice::compress::detail {

class ZstdEncoder final : public Encoder {
 public:
  explicit ZstdEncoder(Extent extent) : Encoder(Coding::zstd, extent), state_(ZSTD_createCCtx()) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ZstdEncoder(const ZstdEncoder&) = delete;
  ZstdEncoder& operator=(const ZstdEncoder&) = delete;
  ~ZstdEncoder() override { ZSTD_freeCCtx(state_); }

  void begin(int level) override {
    ZSTD_CCtx_reset(state_, ZSTD_reset_session_only);
    set(ZSTD_c_compressionLevel, level == 0 ? 3 : std::clamp(level, 1, 19));
    if (extent() == Extent::whole) {
      set(ZSTD_c_windowLog, 18);
    } else {
      set(ZSTD_c_windowLog, 16);
      set(ZSTD_c_hashLog, 15);
      set(ZSTD_c_chainLog, 14);
    }
  }

  void encode(std::string_view bytes, Step step, std::string& out) override {
    const ZSTD_EndDirective directive = step == Step::more    ? ZSTD_e_continue
                                        : step == Step::flush ? ZSTD_e_flush
                                                              : ZSTD_e_end;
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::size_t left = 0;
    do {
      const std::size_t used = out.size();
      out.resize(used + room);
      ZSTD_outBuffer to{out.data() + used, room, 0};
      left = ZSTD_compressStream2(state_, &to, &in, directive);
      out.resize(used + to.pos);
      if (ZSTD_isError(left) != 0) throw std::bad_alloc();
    } while (step == Step::more ? in.pos != in.size : left != 0);
  }

  std::size_t memory() const override { return ZSTD_sizeof_CCtx(state_); }

 private:
  static constexpr std::size_t room = 16 * 1024;

  void set(ZSTD_cParameter parameter, int value) {
    ZSTD_CCtx_setParameter(state_, parameter, value);
  }

  ZSTD_CCtx* state_;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder() : state_(ZSTD_createDCtx()) {
    if (state_ == nullptr) throw std::bad_alloc();
    // RFC 9659: a window of more than 8 MB is not allowed in HTTP.
    ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, 23);
  }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;
  ~ZstdDecoder() override { ZSTD_freeDCtx(state_); }

  Progress decode(std::string_view input, std::span<char> output) override {
    if (ended_ && input.empty()) return {};
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const std::size_t left = ZSTD_decompressStream(state_, &out, &in);
    if (ZSTD_isError(left) != 0) throwDamaged();
    // RFC 8878 3.1: frames may follow one another.
    ended_ = left == 0;
    return {in.pos, out.pos};
  }

  bool ended() const override { return ended_; }

 private:
  ZSTD_DCtx* state_;
  bool ended_ = false;
};

}  // namespace sluice::compress::detail

#endif
