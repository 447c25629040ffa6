// SPDX-License-Identifier: BSL-1.0
//
// What the fuzzers of whole servers and clients share: the choices that the input makes, what must
// hold, what must happen exactly once, and waits that somebody else ends.
#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <iostream>
#include <sluice/error.hpp>
#include <sluice/task.hpp>
#include <sluice/test/wire.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace scenario {

namespace asio = sluice::asio;
using sluice::error_code;
using sluice::task;

[[noreturn]] inline void fail(std::string_view rule) {
  std::cerr << "broken: " << rule << std::endl;
  std::abort();
}

inline void require(bool holds, std::string_view rule) {
  if (!holds) fail(rule);
}

/// The choices, one after the other; zeros when they are used up.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  unsigned below(std::size_t count) {
    return over() ? 0 : static_cast<unsigned>(data_[at_++] % count);
  }
  bool yes() { return below(2) == 1; }
  /// Seldom true, and never once the choices are used up.
  bool oneIn(unsigned count) { return below(count) == count - 1; }
  bool over() const { return at_ >= size_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

/// `text` with one byte changed, put in or taken out.
inline std::string mutated(std::string text, Choices& choices) {
  static constexpr char letters[] = "\0\r\n\t :;,0aF-_/\x7f\x80\xff\"%1\x0b";
  const std::size_t at = (choices.below(256) * 256 + choices.below(256)) % text.size();
  const char letter = letters[choices.below(sizeof letters - 1)];
  switch (choices.below(4)) {
    case 0:
      text.insert(at, 1, letter);
      break;
    case 1:
      text.erase(at, 1);
      break;
    case 2:
      text.insert(at, text.substr(at, 1 + choices.below(40)));
      break;
    default:
      text[at] = letter;
  }
  return text;
}

/// What a connection can fail with.
inline error_code someError(Choices& choices) {
  static const error_code errors[] = {asio::error::broken_pipe,       asio::error::connection_reset,
                                      asio::error::timed_out,         asio::error::network_down,
                                      asio::error::no_buffer_space,   asio::error::host_unreachable,
                                      asio::error::connection_aborted};
  return errors[choices.below(std::size(errors))];
}

/// The far end of a connection, and all that it has sent.
struct Sender {
  explicit Sender(asio::io_context& io) : wire(io) {}

  sluice::test::Wire wire;
  std::string sent;
  // From here on it is not HTTP, or not the whole of it.
  std::size_t rightUntil = std::string::npos;
  std::size_t piece = sluice::test::unlimited;

  void send(const std::string& bytes) {
    sent += bytes;
    // What is large comes in pieces that are not too many.
    wire.chop(std::max(piece, bytes.size() / 1000)).deliver(bytes);
  }
  void sendWrong(const std::string& bytes) {
    rightUntil = std::min(rightUntil, sent.size());
    send(bytes);
  }
  bool wasWrong() const { return rightUntil != std::string::npos; }
  std::string_view right() const { return std::string_view(sent).substr(0, rightUntil); }
  std::string_view wrong() const { return std::string_view(sent).substr(right().size()); }
};

/// What was promised, each of which must come exactly once before the end.
class Promises {
 public:
  using Callback = std::function<void(error_code)>;

  struct Promise {
    std::string what;
    int kept = 0;
  };

  Promise& make(std::string what) { return promises_.emplace_back(Promise{std::move(what), 0}); }
  Callback callback(std::string what) {
    return [&promise = make(std::move(what))](error_code) { ++promise.kept; };
  }
  std::size_t count() const { return promises_.size(); }
  /// A call has thrown: what was promised since there were `count` of them is not due.
  void takeBack(std::size_t count) {
    for (; count != promises_.size(); ++count) ++promises_[count].kept;
  }

  template <class T>
  void spawn(asio::io_context& io, task<T> coroutine, std::string what) {
    Promise& promise = make(std::move(what));
    if constexpr (std::is_void_v<T>) {
      asio::co_spawn(io, std::move(coroutine), [&promise](std::exception_ptr) { ++promise.kept; });
    } else {
      asio::co_spawn(io, std::move(coroutine),
                     [&promise](std::exception_ptr, const T&) { ++promise.kept; });
    }
  }

  void checkNoneTwice() const {
    for (const Promise& promise : promises_) require(promise.kept <= 1, promise.what + ", twice");
  }
  void checkAllKept() const {
    for (const Promise& promise : promises_) {
      require(promise.kept == 1, promise.what + " came " + std::to_string(promise.kept) + " times");
    }
  }

 private:
  // A place for each: callbacks refer to it.
  std::deque<Promise> promises_;
};

/// Where coroutines wait until a gate is opened. It must outlive them.
class Gates {
 public:
  task<> wait(asio::io_context& io) {
    asio::steady_timer timer(io, asio::steady_timer::time_point::max());
    const Listed listed{timers_, &timer};
    timers_.push_back(&timer);
    error_code ec;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
  void openOne() {
    if (!timers_.empty()) timers_.front()->cancel();
  }
  void openAll() {
    for (asio::steady_timer* timer : timers_) timer->cancel();
  }

 private:
  struct Listed {
    std::vector<asio::steady_timer*>& all;
    asio::steady_timer* one;
    ~Listed() { std::erase(all, one); }
  };

  // In the order in which they began to wait: the same input has to do the same again.
  std::vector<asio::steady_timer*> timers_;
};

}  // namespace scenario
