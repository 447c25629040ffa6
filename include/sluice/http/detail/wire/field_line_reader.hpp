// SPDX-License-Identifier: BSL-1.0
//
// Field lines one by one, each judged as soon as its end is there: for heads that arrive in pieces
// or are wrong, and for trailers. The grammar is Beast's; the ends of lines are ours.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <sluice/http/detail/wire/header_block.hpp>
#include <sluice/http/detail/wire/strictness.hpp>
#include <sluice/net/detail/byte_buffer.hpp>
#include <string_view>

namespace sluice::http::detail {

class FieldLineReader {
 public:
  enum class Result { needMore, line, end, failed };

  /// begin     where the first field line starts in the input
  /// limit     how far the input may go; a section that goes further fails with HPE_HEADER_OVERFLOW
  /// insecure  folds, LF alone, leading blanks and control characters pass
  /// first     the section follows a start line, if a leading blank has a name of its own
  void reset(std::size_t begin, std::size_t limit, bool insecure, bool first);

  /// Reads the next line. `input` has the same beginning at every call, and may have moved.
  Result next(std::string_view input);

  /// The line that next() just found. The offsets count from storage().
  const FieldSpan& span() const { return span_; }
  std::string_view name(std::string_view input) const {
    return {storage(input.data()) + span_.name, span_.nameSize};
  }
  std::string_view value(std::string_view input) const {
    return {storage(input.data()) + span_.value, span_.valueSize};
  }

  const Fault& fault() const { return fault_; }

  /// Behind the last line read; after a failure where the wrong line begins.
  std::size_t position() const { return position_; }

  /// The bytes that offsets count from: the input, or with `insecure` a copy in which every line is
  /// unfolded. The copy is valid until reset().
  const char* storage(const char* input) const { return insecure_ ? unfolded_.data() : input; }

 private:
  Result fail(Fault fault);
  Result overflow();
  std::string_view unfold(std::string_view lines);
  Fault read(std::string_view content, std::size_t offset, bool lfAlone);

  std::size_t position_ = 0;
  std::size_t searched_ = 0;  // no LF from position_ to here
  std::size_t limit_ = 0;
  bool insecure_ = false;
  bool first_ = true;
  FieldSpan span_{};
  Fault fault_;
  net::detail::ByteBuffer scratch_;
  net::detail::ByteBuffer unfolded_;
};

}  // namespace sluice::http::detail
