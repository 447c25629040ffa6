// SPDX-License-Identifier: BSL-1.0
//
// What has been written and not yet been taken: small pieces gathered in one run of bytes, large
// ones kept as they came, in order. Pure: it neither sends nor waits.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <cstdint>
#include <sluice/detail/fifo.hpp>
#include <sluice/net/detail/byte_buffer.hpp>
#include <string>

namespace sluice::net::detail {

class WriteQueue {
 public:
  /// More pieces than this are sent in a second call.
  static constexpr std::size_t maxPieces = 16;
  using Pieces = std::array<boost::asio::const_buffer, maxPieces>;

  std::size_t size() const { return gathered_.size() - gatheredSent_ + keptSize_; }
  bool empty() const { return size() == 0; }
  /// Positions in the stream of all bytes ever queued; what a message that ends here waits for.
  std::uint64_t queued() const { return sent_ + size(); }
  std::uint64_t sent() const { return sent_; }

  /// For small pieces: what is written here counts as queued.
  ByteBuffer& gathered() { return gathered_; }

  /// For large ones: the string is kept, not copied.
  void keep(std::string&& bytes) {
    if (bytes.empty()) return;
    keptSize_ += bytes.size();
    kept_.pushBack({reclaimed_ + gathered_.size(), std::move(bytes), 0});
  }

  /// Bytes that went to the kernel without having been queued, ahead of nothing.
  void passedBy(std::size_t count) { sent_ += count; }

  /// Whether oneRun() is all that waits.
  bool isOneRun() const { return kept_.empty(); }
  boost::asio::const_buffer oneRun() const {
    return {gathered_.data() + gatheredSent_, gathered_.size() - gatheredSent_};
  }

  /// The next bytes to send; returns how many of `pieces` are used.
  std::size_t pieces(Pieces& pieces) const {
    if (isOneRun()) {
      pieces[0] = oneRun();
      return empty() ? 0 : 1;
    }
    std::size_t count = 0;
    std::size_t from = gatheredSent_;
    const auto addGathered = [&](std::size_t to) {
      if (to == from || count == maxPieces) return;
      pieces[count++] = {gathered_.data() + from, to - from};
      from = to;
    };
    for (const Kept& kept : kept_) {
      addGathered(placeOf(kept));
      if (count == maxPieces) return count;
      pieces[count++] = {kept.bytes.data() + kept.sent, kept.bytes.size() - kept.sent};
    }
    addGathered(gathered_.size());
    return count;
  }

  /// The first `count` bytes have left.
  void consume(std::size_t count) {
    sent_ += count;
    if (kept_.empty()) {
      gatheredSent_ += count;
    } else {
      consumeMixed(count);
    }
    if (gatheredSent_ == gathered_.size() && kept_.empty()) {
      gathered_.clear();
      gatheredSent_ = 0;
    } else if (gatheredSent_ >= reclaimedAtLeast && gatheredSent_ >= gathered_.size() / 2) {
      reclaim();
    }
  }

  /// Moves everything to the end of what `other` has.
  void moveTo(WriteQueue& other) {
    std::size_t from = gatheredSent_;
    for (Kept& kept : kept_) {
      const std::size_t place = placeOf(kept);
      other.gathered_.append(gathered_.view().substr(from, place - from));
      from = place;
      if (kept.sent != 0) kept.bytes.erase(0, kept.sent);
      other.keep(std::move(kept.bytes));
    }
    other.gathered_.append(gathered_.view().substr(from));
    clear();
  }

  void clear() {
    sent_ = queued();
    kept_.clear();
    keptSize_ = 0;
    gathered_.clear();
    gatheredSent_ = 0;
  }

  /// What waits has to wait for long: room for more is given back.
  void tighten() {
    if (!kept_.empty() || gathered_.capacity() <= keptCapacity) return;
    std::string bytes(gathered_.view().substr(gatheredSent_));
    gathered_.release();
    gatheredSent_ = 0;
    keep(std::move(bytes));
  }

  /// Gives back the room of a large message, if nothing waits.
  void shrink() {
    if (empty() && gathered_.capacity() > keptCapacity) gathered_.release();
  }

 private:
  struct Kept {
    std::uint64_t behind;  // it comes after this many gathered bytes, reclaimed ones included
    std::string bytes;
    std::size_t sent;
  };

  // So many sent bytes stay in front of those that wait before they are moved: a queue that never
  // runs empty would grow with everything that passes through it.
  static constexpr std::size_t reclaimedAtLeast = 4096;
  // This much stays for the next message.
  static constexpr std::size_t keptCapacity = 8192;

  void reclaim() {
    gathered_.eraseFront(gatheredSent_);
    reclaimed_ += gatheredSent_;
    gatheredSent_ = 0;
  }

  std::size_t placeOf(const Kept& kept) const {
    return static_cast<std::size_t>(kept.behind - reclaimed_);
  }

  void consumeMixed(std::size_t count) {
    while (!kept_.empty()) {
      Kept& first = kept_.front();
      const std::size_t place = placeOf(first);
      const std::size_t before = std::min(count, place - gatheredSent_);
      gatheredSent_ += before;
      count -= before;
      if (gatheredSent_ != place) break;
      const std::size_t large = std::min(count, first.bytes.size() - first.sent);
      first.sent += large;
      keptSize_ -= large;
      count -= large;
      if (first.sent != first.bytes.size()) break;
      kept_.popFront();
    }
    gatheredSent_ += count;
  }

  ByteBuffer gathered_;
  std::size_t gatheredSent_ = 0;
  std::uint64_t reclaimed_ = 0;  // how many gathered bytes were in front of those that are there
  sluice::detail::Fifo<Kept> kept_;
  std::size_t keptSize_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace sluice::net::detail
