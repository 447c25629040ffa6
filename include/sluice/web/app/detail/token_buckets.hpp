// SPDX-License-Identifier: BSL-1.0
//
// Buckets of tokens by key, the oldest of which are forgotten. Pure: it is told the time.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>

namespace sluice::app::detail {

class TokenBuckets {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Answer {
    bool taken;
    std::size_t left;
    std::chrono::milliseconds untilNext;  // until a token is there again
    std::chrono::milliseconds untilFull;
  };

  TokenBuckets(std::size_t size, std::chrono::milliseconds window, std::size_t maxKeys)
      : size_(static_cast<double>(size)),
        perMillisecond_(size_ / static_cast<double>(window.count())),
        maxKeys_(maxKeys) {}

  /// Takes a token out of the bucket of `key`.
  Answer take(std::string_view key, TimePoint now);
  std::size_t keys() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::string key;
    double tokens;
    TimePoint filled;
  };

  // A peer may send keys that are as long as a header.
  static constexpr std::size_t keySize = 64;

  void forgetOldestFor(std::string_view key);

  double size_;
  double perMillisecond_;
  std::size_t maxKeys_;  // all keys together have `keySize` bytes for each of so many
  std::size_t keyBytes_ = 0;
  std::list<Bucket> buckets_;  // the one that was used last is the first
  // No hash table: who chooses the keys could choose them to collide.
  std::map<std::string_view, std::list<Bucket>::iterator> index_;
};

}  // namespace sluice::app::detail
