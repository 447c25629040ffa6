// SPDX-License-Identifier: BSL-1.0
//
// Definitions of poller.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <cerrno>
#include <memory>
#include <sluice/detail/post.hpp>
#include <sluice/net/detail/poller.hpp>
#include <sluice/net/detail/system_socket.hpp>

namespace sluice::net::detail {

/// The set has something to tell.
struct Poller::Ready {
  using allocator_type = HandlerMemory::Allocator<std::byte>;

  void operator()(const error_code& ec) const {
    if (loop->stopped()) return;
    Poller& poller = loop->poller();
    poller.waiting_ = false;
    if (ec) {
      // Nobody waited any more; somebody may do so by now.
      poller.settle();
    } else {
      poller.poll();
    }
  }
  void operator()() const { operator()(error_code()); }
  allocator_type get_allocator() const noexcept { return allocator_type(loop->poller().memory_); }

  std::shared_ptr<Loop> loop;
};

SLUICE_DECL Poller::Poller(Loop& loop) : loop_(loop), fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (fd_ < 0) throw boost::system::system_error(lastError(), "epoll_create1");
  set_.emplace(loop.executor(), fd_);
}

SLUICE_DECL error_code Poller::control(int operation, int fd, const Watched& who,
                                       std::uint32_t events) const {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.u64 = std::uint64_t{places_[who.place_].generation} << 32 | who.place_;
  return ::epoll_ctl(fd_, operation, fd, &event) == 0 ? error_code() : lastError();
}

SLUICE_DECL error_code Poller::add(int fd, Watched& who, std::uint32_t events) {
  if (firstFree_ == none) {
    firstFree_ = static_cast<std::uint32_t>(places_.size());
    places_.emplace_back();
  }
  who.place_ = firstFree_;
  Place& place = places_[who.place_];
  place.who = &who;
  firstFree_ = place.nextFree;
  const error_code ec = control(EPOLL_CTL_ADD, fd, who, events);
  if (ec) remove(who);
  return ec;
}

SLUICE_DECL void Poller::handOver(Watched& from, Watched& to) {
  to.place_ = std::exchange(from.place_, none);
  places_[to.place_].who = &to;
}

SLUICE_DECL error_code Poller::change(int fd, const Watched& who, std::uint32_t events) {
  return control(EPOLL_CTL_MOD, fd, who, events);
}

SLUICE_DECL void Poller::remove(Watched& who) {
  if (who.place_ == none) return;
  Place& place = places_[who.place_];
  place.who = nullptr;
  ++place.generation;
  place.nextFree = std::exchange(firstFree_, who.place_);
  who.place_ = none;
}

SLUICE_DECL void Poller::operationEnded() {
  if (--operations_ == 0 && waiting_) loop_.scheduleTurn();
}

SLUICE_DECL void Poller::settle() {
  if (waiting_ && operations_ == 0) {
    set_->cancel();
  } else if (!waiting_ && operations_ != 0) {
    waiting_ = true;
    set_->async_wait(asio::posix::stream_descriptor::wait_read, Ready{loop_.shared_from_this()});
  }
}

SLUICE_DECL void Poller::poll() {
  if (next_ == count_) {
    const int count = ::epoll_wait(fd_, events_.data(), static_cast<int>(events_.size()), 0);
    next_ = 0;
    count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  // A listener's exception leaves from here, and the others' events come all the same.
  struct Rest {
    Poller& poller;
    ~Rest() {
      if (poller.next_ == poller.count_) return;
      poller.waiting_ = true;
      sluice::detail::post(poller.loop_.executor(), Ready{poller.loop_.shared_from_this()});
    }
  } rest{*this};
  Loop::Turn turn(loop_);
  while (next_ != count_) dispatch(events_[next_++]);
  turn.end();
}

SLUICE_DECL void Poller::dispatch(const epoll_event& event) {
  const auto index = static_cast<std::uint32_t>(event.data.u64);
  const Place& place = places_[index];
  if (place.who == nullptr || place.generation != event.data.u64 >> 32) return;
  place.who->onEvents(event.events);
}

}  // namespace sluice::net::detail
