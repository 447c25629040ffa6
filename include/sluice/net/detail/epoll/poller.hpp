// SPDX-License-Identifier: BSL-1.0
//
// The descriptors of one loop, in one epoll set of the loop's own that Asio watches as a single
// descriptor. Asio's reactor tries every read before it waits, which costs a system call in vain
// for each request, and keeps a state, a lock and an operation for each socket; here a socket that
// waits costs sixteen bytes, and readiness is remembered from one event to the next.
#pragma once

#include <sys/epoll.h>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sluice/net/detail/handler_memory.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/turn_entry.hpp>
#include <sluice/task.hpp>
#include <vector>

namespace sluice::net::detail {

class Poller final : public LoopBackend, private TurnEntry {
 public:
  /// That of a loop, made when it is first asked for. Null if there is no descriptor for it; not
  /// once the loop has stopped.
  static Poller* of(Loop& loop, error_code& ec);

  /// Events are edges: what was not used up has to be remembered.
  static constexpr std::uint32_t input = EPOLLIN | EPOLLRDHUP;
  static constexpr std::uint32_t output = EPOLLOUT;
  static constexpr std::uint32_t ended = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

  /// The owner of a descriptor in the set. It may go away in any call.
  class Watched {
   public:
    Watched() = default;
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    /// 0: again() was called for it.
    virtual void onEvents(std::uint32_t events) = 0;
    /// As LoopMember::onLoopEnd().
    virtual void onLoopEnd() = 0;

   protected:
    ~Watched() = default;

   private:
    friend class Poller;
    std::uint32_t place_ = none;
  };

  /// fd  an epoll set, which it owns
  Poller(Loop& loop, int fd);

  Loop& loop() const { return loop_; }
  SLUICE_DECL void shutdown() override;
  /// Watches a descriptor for `events`; what holds already is told as well. Call remove() also
  /// if it fails.
  error_code add(int fd, Watched& who, std::uint32_t events);
  /// Another user for the same descriptor, which stays in the set as it is.
  void handOver(Watched& from, Watched& to);
  error_code change(int fd, const Watched& who, std::uint32_t events);
  /// Before the descriptor is closed. Closing is what takes it out of the kernel's set.
  void remove(Watched& who);
  /// Calls onEvents(0) at the end of this turn, or of the next one if this one is ending.
  void again(const Watched& who);

  /// While an operation is under way the loop has work to do.
  void operationStarted();
  void operationEnded();

  /// Waits if an operation is under way, and not otherwise.
  SLUICE_DECL void settle() override;

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  // A descriptor that another process has as well outlives its close(): what it still reports is
  // for a place that has been given to somebody else, or to nobody.
  struct Place {
    Watched* who = nullptr;
    std::uint32_t generation = 0;
    std::uint32_t nextFree = none;
  };

  // Names a place as events do.
  using Name = std::uint64_t;

  struct Ready;

  error_code control(int operation, int fd, const Watched& who, std::uint32_t events) const;
  Name nameOf(const Watched& who) const;
  void poll();
  void dispatch(Name name, std::uint32_t events);
  SLUICE_DECL void onTurnEnd() override;

  Loop& loop_;
  HandlerMemory memory_;
  int fd_;  // of the set
  std::optional<asio::posix::stream_descriptor> set_;
  std::vector<Place> places_;
  std::uint32_t firstFree_ = none;
  std::size_t operations_ = 0;
  bool waiting_ = false;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::array<epoll_event, 128> events_;
  std::vector<Name> again_;
  std::vector<Name> current_;
};

}  // namespace sluice::net::detail
