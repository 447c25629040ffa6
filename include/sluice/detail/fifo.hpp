// SPDX-License-Identifier: BSL-1.0
//
// A queue in one run of memory: what leaves in front makes room once half of it has left. A
// std::deque allocates a block for every few elements that pass through it.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <utility>
#include <vector>

namespace sluice::detail {

template <class T>
class Fifo {
 public:
  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }
  T& front() { return items_[first_]; }
  auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(first_); }
  auto end() { return items_.end(); }
  auto end() const { return items_.end(); }

  void pushBack(T&& item) { items_.push_back(std::move(item)); }
  void pushBack(const T& item) { items_.push_back(item); }

  T popFront() {
    T item = std::move(front());
    dropFront();
    return item;
  }

  void dropFront() {
    ++first_;
    // If many follow, they are not moved for each that leaves.
    if (size() > few && first_ < size()) return;
    items_.erase(items_.begin(), begin());
    first_ = 0;
  }

  /// Takes `item` out, wherever it is. false: it is not here.
  bool remove(const T& item) {
    for (auto place = begin(); place != end(); ++place) {
      if (*place != item) continue;
      items_.erase(place);
      return true;
    }
    return false;
  }

  void clear() {
    items_.clear();
    first_ = 0;
  }

 private:
  static constexpr std::size_t few = 8;

  std::vector<T> items_;
  std::size_t first_ = 0;  // so many have left
};

}  // namespace sluice::detail
