// SPDX-License-Identifier: BSL-1.0
//
// Definitions of poller.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <cerrno>
#include <memory>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/net/detail/epoll/poller.hpp>
#include <sluice/net/detail/epoll/system_socket.hpp>
#include <sluice/net/detail/loop.hpp>

namespace sluice::net::detail {

/// The set has something to tell.
struct Poller::Ready {
  using allocator_type = HandlerMemory::Allocator<std::byte>;

  void operator()(const error_code& ec) const {
    if (loop->stopped()) return;
    poller.waiting_ = false;
    if (ec) {
      // Nobody waited any more; somebody may do so by now.
      poller.settle();
    } else {
      poller.poll();
    }
  }
  void operator()() const { operator()(error_code()); }
  allocator_type get_allocator() const noexcept { return allocator_type(poller.memory_); }

  Poller& poller;
  std::shared_ptr<Loop> loop;
};

SLUICE_DECL Poller* Poller::of(Loop& loop, error_code& ec) {
  if (loop.backend() == nullptr) {
    if (loop.stopped()) {
      ec = asio::error::operation_aborted;
      return nullptr;
    }
    SystemSocket set(::epoll_create1(EPOLL_CLOEXEC));
    if (!set) {
      ec = lastError();
      return nullptr;
    }
    loop.setBackend(std::make_unique<Poller>(loop, set.fd()));
    set.release();
  }
  return static_cast<Poller*>(loop.backend());
}

SLUICE_DECL Poller::Poller(Loop& loop, int fd) : loop_(loop), fd_(fd) {
  set_.emplace(loop.executor(), fd_);
}

SLUICE_DECL void Poller::shutdown() {
  for (std::size_t index = 0; index != places_.size(); ++index) {
    if (Watched* who = places_[index].who) who->onLoopEnd();
  }
  set_.reset();
}

SLUICE_DECL Poller::Name Poller::nameOf(const Watched& who) const {
  return Name{places_[who.place_].generation} << 32 | who.place_;
}

SLUICE_DECL error_code Poller::control(int operation, int fd, const Watched& who,
                                       std::uint32_t events) const {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.u64 = nameOf(who);
  return ::epoll_ctl(fd_, operation, fd, &event) == 0 ? error_code() : lastError();
}

SLUICE_DECL error_code Poller::add(int fd, Watched& who, std::uint32_t events) {
  if (firstFree_ == none) {
    places_.emplace_back();
    firstFree_ = static_cast<std::uint32_t>(places_.size() - 1);
  }
  who.place_ = firstFree_;
  Place& place = places_[who.place_];
  place.who = &who;
  firstFree_ = place.nextFree;
  return control(EPOLL_CTL_ADD, fd, who, events);
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

SLUICE_DECL void Poller::operationStarted() {
  ++operations_;
  if (!waiting_ && !loop_.endsTurn()) loop_.scheduleTurn();
}

SLUICE_DECL void Poller::operationEnded() {
  if (--operations_ == 0 && waiting_) loop_.scheduleTurn();
}

SLUICE_DECL void Poller::settle() {
  if (waiting_ && operations_ == 0) {
    set_->cancel();
  } else if (!waiting_ && operations_ != 0) {
    waiting_ = true;
    set_->async_wait(asio::posix::stream_descriptor::wait_read,
                     Ready{*this, loop_.shared_from_this()});
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
      sluice::detail::post(poller.loop_.executor(), Ready{poller, poller.loop_.shared_from_this()});
    }
  } rest{*this};
  Loop::Turn turn(loop_);
  while (next_ != count_) {
    const epoll_event& event = events_[next_++];
    dispatch(event.data.u64, event.events);
  }
  turn.end();
}

SLUICE_DECL void Poller::dispatch(Name name, std::uint32_t events) {
  const Place& place = places_[static_cast<std::uint32_t>(name)];
  if (place.who != nullptr && place.generation == name >> 32) place.who->onEvents(events);
}

SLUICE_DECL void Poller::again(const Watched& who) {
  sluice::detail::withReserve([&] { again_.push_back(nameOf(who)); });
  loop_.atTurnEnd(*this);
}

SLUICE_DECL void Poller::onTurnEnd() {
  current_.swap(again_);
  // What is left if a listener's exception leaves from here has its turn next.
  struct Rest {
    Poller& poller;
    std::size_t done = 0;
    ~Rest() {
      auto& current = poller.current_;
      if (done != current.size()) poller.loop_.atTurnEnd(poller);
      while (done != current.size()) poller.again_.push_back(Name{current[done++]});
      current.clear();
    }
  } rest{*this};
  while (rest.done != current_.size()) dispatch(current_[rest.done++], 0);
}

}  // namespace sluice::net::detail
