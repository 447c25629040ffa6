// SPDX-License-Identifier: BSL-1.0
//
// The agent's decisions: which connection serves which request, when to open one, who waits, and
// what becomes of a connection whose exchange has ended. Pure: connections and requests are
// pointers that it never follows, so it runs in a test without either.
#pragma once

#include <sluice/config.hpp>
#include <algorithm>
#include <cstddef>
#include <map>
#include <sluice/detail/fifo.hpp>
#include <sluice/http/constants.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::detail {

inline std::size_t unlimitedIfZero(std::size_t limit) { return limit != 0 ? limit : unlimited; }

struct PoolLimits {
  std::size_t maxSockets;       // of one name, in use and free
  std::size_t maxTotalSockets;  // of all names
  std::size_t maxFreeSockets;   // free ones of one name
  bool newestFirst;             // lifo: of the free ones take the one used last
};

template <class Connection, class Request>
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  struct Entry {
    std::vector<Connection*> used;
    std::vector<Connection*> free;
    // Requests that will have a connection of their own unless one becomes free before.
    std::vector<Request*> planned;
    sluice::detail::Fifo<Request*> queue;
    std::size_t size() const { return used.size() + free.size() + planned.size(); }
    bool empty() const { return size() == 0 && queue.empty(); }
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  /// A free connection for a request of this name, which is used from now on; nullptr: none.
  Connection* reuse(std::string_view name, const PoolLimits& limits) {
    const auto entry = find(name);
    if (entry == entries_.end() || entry->second.free.empty()) return nullptr;
    auto& free = entry->second.free;
    const auto chosen = limits.newestFirst ? free.end() - 1 : free.begin();
    Connection* connection = *chosen;
    free.erase(chosen);
    entry->second.used.push_back(connection);
    return connection;
  }

  /// Whether another connection of this name may be opened.
  bool mayOpen(std::string_view name, const PoolLimits& limits) {
    if (total_ >= limits.maxTotalSockets) return false;
    const auto entry = find(name);
    return entry == entries_.end() || entry->second.size() < limits.maxSockets;
  }

  /// A free connection of another name that can be given up so that one more of this name may be
  /// opened; nullptr: there is none, or it would not help.
  Connection* surplus(std::string_view name, const PoolLimits& limits) const {
    if (total_ < limits.maxTotalSockets) return nullptr;
    const auto own = entries_.find(name);
    if (own != entries_.end() && own->second.size() >= limits.maxSockets) return nullptr;
    for (const auto& [other, entry] : entries_) {
      if (!entry.free.empty()) return entry.free.front();
    }
    return nullptr;
  }

  void opened(std::string_view name, Connection* connection) {
    entryOf(name).used.push_back(connection);
    ++total_;
  }

  /// A connection is to be opened for the request, and counts from now on.
  void plan(std::string_view name, Request* request) {
    entryOf(name).planned.push_back(request);
    ++total_;
  }
  /// It will not be, or now it is. false: it was not planned.
  bool unplan(std::string_view name, Request* request) {
    const auto entry = find(name);
    if (entry == entries_.end() || std::erase(entry->second.planned, request) == 0) return false;
    --total_;
    dropIfEmpty(entry);
    return true;
  }

  void enqueue(std::string_view name, Request* request) { entryOf(name).queue.pushBack(request); }

  /// Takes the next request of this name out of the queue; nullptr: none waits.
  Request* dequeue(std::string_view name) {
    const auto entry = find(name);
    if (entry == entries_.end() || entry->second.queue.empty()) return nullptr;
    Request* request = entry->second.queue.popFront();
    dropIfEmpty(entry);
    return request;
  }

  bool removeQueued(std::string_view name, Request* request) {
    const auto entry = find(name);
    if (entry == entries_.end()) return false;
    const bool found = entry->second.queue.remove(request);
    dropIfEmpty(entry);
    return found;
  }

  /// Whether a request of another name could have a connection if this one's were given up.
  bool wantedElsewhere(std::string_view name, const PoolLimits& limits) const {
    if (total_ < limits.maxTotalSockets) return false;
    return std::any_of(entries_.begin(), entries_.end(), [&](const auto& other) {
      const Entry& entry = other.second;
      return other.first != name && !entry.queue.empty() && entry.size() < limits.maxSockets;
    });
  }

  /// A used connection is free for the next request of its name. false: there are enough.
  bool keep(std::string_view name, Connection* connection, const PoolLimits& limits) {
    Entry& entry = entryOf(name);
    if (entry.free.size() >= limits.maxFreeSockets || entry.size() > limits.maxSockets) {
      return false;
    }
    // The one that was used first, as a rule.
    const auto used = std::find(entry.used.begin(), entry.used.end(), connection);
    if (used != entry.used.end()) entry.used.erase(used);
    entry.free.push_back(connection);
    return true;
  }

  /// The connection is gone, from wherever it was.
  bool remove(std::string_view name, Connection* connection) {
    const auto entry = find(name);
    if (entry == entries_.end()) return false;
    const std::size_t count =
        std::erase(entry->second.used, connection) + std::erase(entry->second.free, connection);
    total_ -= count;
    dropIfEmpty(entry);
    return count != 0;
  }

  /// A name whose oldest waiting request may get a new connection; empty: none.
  std::string_view nextToOpen(std::string_view preferred, const PoolLimits& limits) {
    const auto waits = [&](const Entry& entry, std::string_view name) {
      return !entry.queue.empty() && mayOpen(name, limits);
    };
    const auto entry = entries_.find(preferred);
    if (entry != entries_.end() && waits(entry->second, preferred)) return entry->first;
    for (const auto& [name, other] : entries_) {
      if (waits(other, name)) return name;
    }
    return {};
  }

  const Entries& entries() const { return entries_; }
  std::size_t total() const { return total_; }

 private:
  // Of most calls the name is that of the call before.
  typename Entries::iterator find(std::string_view name) {
    if (last_ == entries_.end() || last_->first != name) last_ = entries_.find(name);
    return last_;
  }
  Entry& entryOf(std::string_view name) {
    const auto entry = find(name);
    return entry != entries_.end() ? entry->second : entries_[std::string(name)];
  }
  void dropIfEmpty(typename Entries::iterator entry) {
    if (!entry->second.empty()) return;
    entries_.erase(entry);
    last_ = entries_.end();
  }

  Entries entries_;
  typename Entries::iterator last_ = entries_.end();
  std::size_t total_ = 0;
};

}  // namespace sluice::http::detail
