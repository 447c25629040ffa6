// SPDX-License-Identifier: BSL-1.0
//
// Header lines in order, in one block of text that already looks as on the wire, with a vector of
// offsets beside it. Headers and the outgoing store are made of it. It checks nothing: what is
// stored was validated, or was received.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::detail {

/// Mark is what the owner notes about each line. With `Mark::lowerNames` every line is followed by
/// its name in lower case, so that a view of that exists too.
///
/// Views are valid until the next change. Text that is given may be such a view. Copying, moving
/// and clearing keep the usual promises: everything is an offset.
template <class Mark>
class FieldLines {
 public:
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  std::size_t size() const { return lines_.size(); }
  bool empty() const { return lines_.empty(); }

  std::string_view name(std::size_t line) const {
    return {block_.data() + lines_[line].at, lines_[line].nameSize};
  }
  std::string_view value(std::size_t line) const {
    const Line& entry = lines_[line];
    return {block_.data() + entry.at + entry.nameSize + 2, entry.valueSize};
  }
  std::string_view lowerName(std::size_t line) const {
    static_assert(Mark::lowerNames);
    const Line& entry = lines_[line];
    return {block_.data() + entry.at + entry.nameSize + entry.valueSize + 4, entry.nameSize};
  }
  /// The line with its CR LF.
  std::string_view wire(std::size_t line) const {
    const Line& entry = lines_[line];
    return {block_.data() + entry.at, entry.nameSize + entry.valueSize + std::size_t{4}};
  }
  /// All lines with their CR LF.
  std::string_view wire() const {
    static_assert(!Mark::lowerNames);
    return {block_.data(), used()};
  }
  Mark& mark(std::size_t line) { return lines_[line].mark; }
  const Mark& mark(std::size_t line) const { return lines_[line].mark; }

  /// The first line of that name, in any case, from `from` on; npos: none.
  std::size_t find(std::string_view name, std::size_t from = 0) const {
    if ((names_ & nameBit(name)) == 0) return npos;
    for (std::size_t line = from; line < lines_.size(); ++line) {
      const Line& entry = lines_[line];
      if (entry.nameSize == name.size() &&
          equalIgnoreCase({block_.data() + entry.at, entry.nameSize}, name)) {
        return line;
      }
    }
    return npos;
  }

  void insert(std::size_t before, std::string_view name, std::string_view value, Mark mark) {
    if (before == lines_.size()) return add(name, value, mark);
    const std::size_t at = lines_[before].at;
    const std::size_t end = used();
    // At the end first: what is given may be a view of bytes that make place for it.
    add(name, value, mark);
    const std::size_t size = used() - end;
    const auto block = block_.begin();
    std::rotate(block + static_cast<std::ptrdiff_t>(at), block + static_cast<std::ptrdiff_t>(end),
                block + static_cast<std::ptrdiff_t>(end + size));
    std::rotate(lines_.begin() + static_cast<std::ptrdiff_t>(before), lines_.end() - 1,
                lines_.end());
    lines_[before].at = static_cast<std::uint32_t>(at);
    for (std::size_t line = before + 1; line < lines_.size(); ++line) {
      lines_[line].at += static_cast<std::uint32_t>(size);
    }
  }
  void add(std::string_view name, std::string_view value, Mark mark) {
    const std::size_t at = used();
    const std::size_t end = at + sizeFor(name.size(), value.size());
    requireSize(end);
    makePlace();
    // What is given may be a view of it.
    const std::string before = makeRoom(end);
    write(at, name, value);
    lines_.push_back(lineAt(at, name, value, mark));
    names_ |= nameBit(name);
  }

  /// Whether a line of `other` has the name of one of these.
  bool sharesNames(const FieldLines& other) const {
    if ((names_ & other.names_) == 0) return false;
    for (std::size_t line = 0; line < lines_.size(); ++line) {
      if (other.find(name(line)) != npos) return true;
    }
    return false;
  }

  /// Adds every line of `other` at the end.
  void append(const FieldLines& other) {
    const std::string_view more = other.wire();
    const std::size_t at = used();
    requireSize(at + more.size());
    makeRoom(at + more.size());
    const std::size_t before = lines_.size();
    lines_.insert(lines_.end(), other.lines_.begin(), other.lines_.end());
    names_ |= other.names_;
    more.copy(block_.data() + at, more.size());
    for (std::size_t line = before; line < lines_.size(); ++line) {
      lines_[line].at += static_cast<std::uint32_t>(at);
    }
  }

  void erase(std::size_t line) {
    const Line entry = lines_[line];
    const std::size_t size = sizeFor(entry.nameSize, entry.valueSize);
    block_.erase(entry.at, size);
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(line));
    for (; line < lines_.size(); ++line) lines_[line].at -= static_cast<std::uint32_t>(size);
  }

  /// A new value, and the name in a new spelling, where the line is.
  void replace(std::size_t line, std::string_view name, std::string_view value, Mark mark) {
    if (lines_[line].nameSize == name.size() && lines_[line].valueSize == value.size()) {
      write(lines_[line].at, name, value);
      lines_[line].mark = mark;
      return;
    }
    insert(line, name, value, mark);
    erase(line + 1);
  }

  void reserve(std::size_t lines, std::size_t namesSize, std::size_t valuesSize) {
    lines_.reserve(lines);
    makeRoom(sizeFor(namesSize, valuesSize) + 4 * lines);
  }

  /// Keeps the memory.
  void clear() {
    lines_.clear();
    names_ = 0;
  }

 private:
  struct Line {
    std::uint32_t at;
    std::uint32_t nameSize;
    std::uint32_t valueSize;
    Mark mark;
  };

  // Of the size and the last four letters, in any case.
  static std::uint64_t nameBit(std::string_view name) {
    std::uint32_t end = 0;
    if (name.size() >= sizeof end)
      std::memcpy(&end, name.data() + name.size() - sizeof end, sizeof end);
    end = ((end | 0x20202020U) + static_cast<std::uint32_t>(name.size())) * 0x9E3779B1U;
    return std::uint64_t{1} << (end >> 26);
  }

  static Line lineAt(std::size_t at, std::string_view name, std::string_view value, Mark mark) {
    return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()),
            static_cast<std::uint32_t>(value.size()), mark};
  }

  static void requireSize(std::size_t size) {
    if (size > std::numeric_limits<std::uint32_t>::max()) {
      throw std::length_error("sluice: header lines of more than 4 GiB");
    }
  }

  static constexpr std::size_t sizeFor(std::size_t nameSize, std::size_t valueSize) {
    return nameSize * (Mark::lowerNames ? 2 : 1) + valueSize + 4;
  }

  std::size_t used() const {
    if (lines_.empty()) return 0;
    const Line& last = lines_.back();
    return last.at + sizeFor(last.nameSize, last.valueSize);
  }

  void write(std::size_t at, std::string_view name, std::string_view value) {
    char* to = block_.data() + at;
    name.copy(to, name.size());
    to += name.size();
    std::memcpy(to, ": ", 2);
    value.copy(to + 2, value.size());
    to += 2 + value.size();
    std::memcpy(to, "\r\n", 2);
    // Not from what was given, which may have been where the value is now.
    if constexpr (Mark::lowerNames) copyLower(to + 2, {block_.data() + at, name.size()});
  }

  void makePlace() {
    if (lines_.size() == lines_.capacity()) lines_.reserve(lines_.size() * 2 + 8);
  }

  // The block from before, if there is another one now.
  std::string makeRoom(std::size_t size) {
    std::string block;
    if (block_.size() >= size) return block;
    // Never so few that a string has them in itself: a view of those would not outlive the swap.
    const std::size_t least = std::max(size, std::size_t{256});
    if (block_.capacity() >= least) {
      block_.resize(least);
      return block;
    }
    block.resize(std::max(least, block_.size() * 2));
    block_.copy(block.data(), used());
    block_.swap(block);
    return block;
  }

  // Longer than used(): the rest is room that was not given back.
  std::string block_;
  std::vector<Line> lines_;
  // A bit for every name that was added: most names that are looked for are not there.
  std::uint64_t names_ = 0;
};

}  // namespace sluice::http::detail
