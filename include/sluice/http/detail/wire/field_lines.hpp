// SPDX-License-Identifier: BSL-1.0
//
// Header lines in order, in one block of text that already looks as on the wire, with a vector of
// offsets beside it. Headers and the outgoing store are made of it. It checks nothing: what is
// stored was validated, or was received.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <sluice/config.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::detail {

/// Mark is what the owner notes about each line. With `Mark::lowerNames` every line is followed by
/// its name in lower case, so that a view of that exists too.
///
/// Views are valid until the next change. Text that is given must not be a view into the same
/// object. Copying, moving and clearing keep the usual promises: everything is an offset.
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
    const std::size_t size = sizeFor(name.size(), value.size());
    const std::size_t at = before < lines_.size() ? lines_[before].at : used();
    if (used() + size > std::numeric_limits<std::uint32_t>::max()) {
      throw std::length_error("sluice: header lines of more than 4 GiB");
    }
    // First everything that can fail.
    if (lines_.size() == lines_.capacity()) lines_.reserve(lines_.size() * 2 + 8);
    if (before < lines_.size()) {
      block_.insert(at, size, '\0');
    } else {
      makeRoom(at + size);
    }
    write(at, name, value);
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(before),
                  Line{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name.size()),
                       static_cast<std::uint32_t>(value.size()), mark});
    for (std::size_t line = before + 1; line < lines_.size(); ++line) {
      lines_[line].at += static_cast<std::uint32_t>(size);
    }
  }
  void add(std::string_view name, std::string_view value, Mark mark) {
    insert(lines_.size(), name, value, mark);
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
  void clear() { lines_.clear(); }

 private:
  struct Line {
    std::uint32_t at;
    std::uint32_t nameSize;
    std::uint32_t valueSize;
    Mark mark;
  };

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
    if constexpr (Mark::lowerNames) copyLower(to + 2, name);
  }

  void makeRoom(std::size_t size) {
    if (block_.size() < size) block_.resize(std::max({size, block_.size() * 2, std::size_t{256}}));
  }

  // Longer than used(): what is behind is room that was not given back.
  std::string block_;
  std::vector<Line> lines_;
};

}  // namespace sluice::http::detail
