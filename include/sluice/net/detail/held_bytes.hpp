// SPDX-License-Identifier: BSL-1.0
//
// What a socket has before anybody asks for it: bytes that were put back, or that came too early.
// Pure.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::net::detail {

/// Takes from the front and grows at both ends. No byte is moved for every call: a program may put
/// back, or ask for, one at a time.
class HeldBytes {
 public:
  bool empty() const { return first_ == bytes_.size(); }
  std::string_view view() const { return std::string_view(bytes_).substr(first_); }

  void putInFront(std::string_view bytes) {
    if (bytes.size() > first_) {
      // Room for as much again as there is then.
      const std::size_t room = 2 * bytes.size() + view().size();
      std::string wider;
      wider.reserve(room + view().size());
      wider.append(room, '\0').append(view());
      bytes_ = std::move(wider);
      first_ = room;
    }
    first_ -= bytes.size();
    bytes.copy(bytes_.data() + first_, bytes.size());
  }

  void append(std::string_view bytes) {
    if (empty()) clear();
    bytes_.append(bytes);
  }

  /// Moves up to `size` bytes to `to`, and says how many.
  std::size_t take(void* to, std::size_t size) {
    const std::size_t count = view().copy(static_cast<char*>(to), size);
    first_ += count;
    if (empty()) clear();
    return count;
  }
  std::string takeAll() {
    std::string all(view());
    clear();
    return all;
  }

 private:
  // Gives the memory back.
  void clear() {
    bytes_ = {};
    first_ = 0;
  }

  std::string bytes_;
  std::size_t first_ = 0;
};

}  // namespace sluice::net::detail
