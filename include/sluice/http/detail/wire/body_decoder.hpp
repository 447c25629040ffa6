// SPDX-License-Identifier: BSL-1.0
//
// The body of a received message, out of the bytes after its head: by length, in chunks, or to the
// close. Body bytes are handed out where they stand; nothing is buffered but trailers.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <cstdint>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/field_line_reader.hpp>
#include <sluice/http/detail/wire/header_block.hpp>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <sluice/http/detail/wire/strictness.hpp>
#include <sluice/net/detail/byte_buffer.hpp>
#include <string_view>

namespace sluice::http::detail {

class BodyDecoder {
 public:
  /// needMore  all of the input was used, and the body goes on
  /// data      `data` is part of the body, and the input may hold more
  /// complete  the body ends after `consumed`; `data` may be its last part
  enum class Status { needMore, data, complete, failed };

  struct Piece {
    Status status;
    std::size_t
        consumed;  // bytes of the input that were used; after a failure, up to the wrong one
    std::string_view data;  // a view into the input
  };

  /// Makes ready for the body of the next message.
  void reset(Framing framing, std::uint64_t length, ParserLimits limits);

  /// Takes one piece off the front of `input`, as large as it can be. Call it again with what is
  /// after `consumed` as long as it says `data`.
  Piece decode(std::string_view input);

  /// Nothing will follow. Fails with HPE_INVALID_EOF_STATE unless the body ends with the connection
  /// or has ended already. RFC 9112 §8.
  Status atEof();

  bool complete() const { return state_ == State::complete; }

  /// Bytes that are known to be missing: of a sized body, or of the current chunk.
  std::uint64_t remaining() const { return remaining_; }

  /// Once failed.
  error_code error() const { return fault_.code; }
  std::string_view reason() const { return fault_.reason; }

  /// Once complete, until reset(). They never change framing or the life of the connection.
  const HeaderBlock& trailers() const { return trailers_; }

 private:
  //  sized, untilClose ───────────────────────────────────────────────────► complete
  //
  //  sizeStart ─► size ─► (sizeBlank) ─┬─► chunkLf ─► data ─► dataCr ─► dataLf ─► sizeStart
  //                 └──► extension ... ┘      └─────► trailers ───────────────► complete
  //
  //  extensionStart ─► extensionName ─► valueStart ─┬─► value
  //                                                 └─► quoted ◄─► escaped, afterQuoted
  enum class State : std::uint8_t {
    sized,
    untilClose,
    sizeStart,
    size,
    sizeBlank,
    extensionStart,
    extensionName,
    valueStart,
    value,
    quoted,
    escaped,
    afterQuoted,
    chunkLf,
    data,
    dataCr,
    dataLf,
    trailers,
    complete,
    failed
  };

  Piece decodeSized(std::string_view input);
  Piece decodeChunked(std::string_view input);
  std::size_t takePlainFraming(std::string_view input);
  bool takeFraming(char c);
  bool takeChunkLine(char c);
  bool endOfChunkLine();
  std::size_t takeTrailers(std::string_view input);
  bool readTrailers();
  bool refuse(errc code, std::string_view reason);

  State state_ = State::complete;
  ParserLimits limits_;
  std::uint64_t remaining_ = 0;  // of the body, or of the chunk
  std::size_t lineSize_ = 0;     // digits and extensions of this chunk so far
  Fault fault_;
  net::detail::ByteBuffer trailerBytes_;
  HeaderBlock trailers_;
  FieldLineReader lines_;
};

}  // namespace sluice::http::detail
