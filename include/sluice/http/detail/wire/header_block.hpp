// SPDX-License-Identifier: BSL-1.0
//
// The field lines of one received head or trailer section: offsets into the bytes where they were
// read, no copies. Node's rules for names that come more than once are not applied here.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/http/headers.hpp>
#include <string_view>
#include <vector>

namespace sluice::http::detail {

/// One field line. Offsets count from the first byte of the block's storage.
struct FieldSpan {
  std::uint32_t name, nameSize, value, valueSize;
};

class HeaderBlock {
 public:
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  class Iterator {
   public:
    using value_type = RawHeader;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    Iterator(const HeaderBlock* block, std::size_t index) : block_(block), index_(index) {}

    RawHeader operator*() const { return block_->at(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) { return {block_, index_++}; }
    bool operator==(const Iterator&) const = default;

   private:
    const HeaderBlock* block_ = nullptr;
    std::size_t index_ = 0;
  };

  std::size_t size() const { return spans_.size(); }
  bool empty() const { return spans_.empty(); }

  /// The line as it was received, name in the sender's spelling, value without the blanks around
  /// it. The views are valid as long as the bytes stay where rebase() was last told they are.
  RawHeader at(std::size_t index) const {
    const FieldSpan& span = spans_[index];
    return {{base_ + span.name, span.nameSize}, {base_ + span.value, span.valueSize}};
  }

  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

  void add(const FieldSpan& span) {
    // Browsers send a dozen lines; growing step by step would cost the first request of a
    // connection four allocations.
    if (spans_.size() == spans_.capacity()) spans_.reserve(std::max<std::size_t>(16, 2 * size()));
    spans_.push_back(span);
  }

  /// Keeps the capacity.
  void clear() { spans_.clear(); }

  /// Says where the bytes are now. Needed after every move of the buffer.
  void rebase(const char* base) { base_ = base; }

 private:
  const char* base_ = nullptr;
  std::vector<FieldSpan> spans_;
};

}  // namespace sluice::http::detail
