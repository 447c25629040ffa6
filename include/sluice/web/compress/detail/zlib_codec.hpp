// SPDX-License-Identifier: BSL-1.0
//
// gzip and deflate, by zlib.
#pragma once

#include <zlib.h>
#include <algorithm>
#include <new>
#include <sluice/web/compress/detail/decoder.hpp>
#include <sluice/web/compress/detail/encoder.hpp>

namespace sluice::compress::detail {

// zlib counts a piece in 32 bits.
inline constexpr std::size_t zlibPiece = std::size_t{1} << 30;

inline Bytef* zlibBytes(const char* bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes));
}

class ZlibEncoder final : public Encoder {
 public:
  ZlibEncoder(Coding coding, Extent extent) : Encoder(coding, extent) {
    const bool whole = extent == Extent::whole;
    const int window = whole ? 15 : 13;
    memory_ = whole ? 268 * 1024 : 55 * 1024;
    // A window of 16 more asks for the frame of gzip; deflate in HTTP has the frame of zlib.
    if (deflateInit2(&stream_, usualLevel, Z_DEFLATED,
                     coding == Coding::gzip ? window + 16 : window, whole ? 8 : 5,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ZlibEncoder(const ZlibEncoder&) = delete;
  ZlibEncoder& operator=(const ZlibEncoder&) = delete;
  ~ZlibEncoder() override { deflateEnd(&stream_); }

  void begin(int level) override {
    level = level == 0 ? usualLevel : std::clamp(level, 1, 9);
    deflateReset(&stream_);
    if (level != level_) deflateParams(&stream_, level, Z_DEFAULT_STRATEGY);
    level_ = level;
  }

  void encode(std::string_view bytes, Step step, std::string& out) override {
    do {
      const std::string_view piece = bytes.substr(0, zlibPiece);
      bytes.remove_prefix(piece.size());
      stream_.next_in = zlibBytes(piece.data());
      stream_.avail_in = static_cast<uInt>(piece.size());
      run(bytes.empty() ? step : Step::more, out);
    } while (!bytes.empty());
  }

  std::size_t memory() const override { return memory_; }

 private:
  static constexpr int usualLevel = 4;
  static constexpr std::size_t room = 16 * 1024;

  void run(Step step, std::string& out) {
    const int flush = step == Step::more    ? Z_NO_FLUSH
                      : step == Step::flush ? Z_SYNC_FLUSH
                                            : Z_FINISH;
    do {
      const std::size_t used = out.size();
      out.resize(used + room);
      stream_.next_out = zlibBytes(out.data() + used);
      stream_.avail_out = room;
      deflate(&stream_, flush);
      out.resize(used + room - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
  int level_ = usualLevel;
  std::size_t memory_ = 0;
};

class ZlibDecoder final : public Decoder {
 public:
  explicit ZlibDecoder(Coding coding) : isGzip_(coding == Coding::gzip) {}
  ZlibDecoder(const ZlibDecoder&) = delete;
  ZlibDecoder& operator=(const ZlibDecoder&) = delete;
  ~ZlibDecoder() override {
    if (begun_) inflateEnd(&stream_);
  }

  Progress decode(std::string_view input, std::span<char> output) override {
    input = input.substr(0, zlibPiece);
    if (!begun_) {
      if (input.empty()) return {};
      begin(static_cast<unsigned char>(input.front()));
    }
    if (ended_ && !input.empty()) beginMember(input.front());
    stream_.next_in = zlibBytes(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = zlibBytes(output.data());
    stream_.avail_out = static_cast<uInt>(std::min(output.size(), zlibPiece));
    const std::size_t room = stream_.avail_out;
    if (!ended_) {
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END) throwDamaged();
      ended_ = result == Z_STREAM_END;
    }
    return {input.size() - stream_.avail_in, room - stream_.avail_out};
  }

  bool ended() const override { return ended_; }

 private:
  void begin(unsigned char first) {
    // RFC 9110 8.4.1.2: some senders leave out the frame of zlib, whose first byte says method 8.
    const bool framed = (first & 0x0F) == 8 && first >> 4 <= 7;
    const int window = isGzip_ ? 15 + 16 : framed ? 15 : -15;
    if (inflateInit2(&stream_, window) != Z_OK) throw std::bad_alloc();
    begun_ = true;
  }

  // RFC 1952 2.2: a gzip file is a series of members. Anything else does not belong to it.
  void beginMember(char first) {
    if (!isGzip_ || first != '\x1f') throwDamaged();
    inflateReset(&stream_);
    ended_ = false;
  }

  z_stream stream_{};
  bool isGzip_;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace sluice::compress::detail
