// SPDX-License-Identifier: BSL-1.0
//
// The TLS sessions that an agent keeps to resume them: the last one of each name, of a bounded
// number of names. Pure: a session is bytes here.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::https::detail {

class SessionCache {
 public:
  /// most  names; 0: nothing is kept
  explicit SessionCache(std::size_t most) : most_(most) {}

  std::size_t size() const { return entries_.size(); }

  /// If there are too many, the name that was used longest ago goes.
  void put(std::string_view name, std::string session) {
    evict(name);
    if (most_ == 0 || session.empty()) return;
    if (entries_.size() == most_) entries_.pop_back();
    entries_.emplace_front(std::string(name), std::move(session));
  }

  /// Empty if there is none.
  std::string get(std::string_view name) {
    const auto place = find(name);
    if (place == entries_.end()) return {};
    entries_.splice(entries_.begin(), entries_, place);
    return place->second;
  }

  void evict(std::string_view name) {
    const auto place = find(name);
    if (place != entries_.end()) entries_.erase(place);
  }

 private:
  using Entries = std::list<std::pair<std::string, std::string>>;

  Entries::iterator find(std::string_view name) {
    return std::find_if(entries_.begin(), entries_.end(),
                        [name](const auto& entry) { return entry.first == name; });
  }

  std::size_t most_;
  Entries entries_;
};

}  // namespace sluice::https::detail
