// SPDX-License-Identifier: BSL-1.0
//
// Work for later on the executor of the library's objects. What asio::post() does for a function
// that is bound to no other executor and no allocator, at a third of the code; and once for all of
// them, as Asio is compiled anew for each type of function.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <concepts>
#include <cstddef>
#include <functional>
#include <new>
#include <sluice/task.hpp>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// A function that is called once. It is kept in here, so that it costs no allocation.
class Work {
 public:
  static constexpr bool fits(std::size_t size, std::size_t alignment) {
    return size <= room && alignment <= alignof(std::function<void()>);
  }

  template <class Function>
    requires(!std::same_as<std::remove_cvref_t<Function>, Work>)
  Work(Function&& function) : act_(&act<std::decay_t<Function>>) {
    using Kept = std::decay_t<Function>;
    static_assert(fits(sizeof(Kept), alignof(Kept)));
    ::new (static_cast<void*>(kept_)) Kept(std::forward<Function>(function));
  }
  Work(Work&& other) noexcept : act_(other.act_) { act_(Act::move, other.kept_, kept_); }
  Work& operator=(Work&&) = delete;
  ~Work() { act_(Act::destroy, kept_, nullptr); }

  void operator()() { act_(Act::call, kept_, nullptr); }

 private:
  enum class Act { call, move, destroy };

  // What a program gives, and five words. libc++'s std::function is larger than libstdc++'s, and
  // aligned to 16.
  static constexpr std::size_t room = sizeof(std::function<void()>) + 5 * sizeof(void*);

  template <class Kept>
  static void act(Act what, void* kept, void* to) {
    Kept& function = *static_cast<Kept*>(kept);
    switch (what) {
      case Act::call:
        std::move(function)();
        break;
      case Act::move:
        ::new (to) Kept(std::move(function));
        break;
      case Act::destroy:
        function.~Kept();
        break;
    }
  }

  void (*act_)(Act what, void* kept, void* to);
  alignas(std::function<void()>) std::byte kept_[room];
};

/// Runs `work` from the executor, never from here. An empty executor, which is that of a loop whose
/// context has ended, drops it.
void post(const asio::any_io_executor& executor, Work work);

/// Runs `work` right here if that is possible.
void dispatch(const asio::any_io_executor& executor, Work work);

/// In a catch block: what was thrown leaves run(), but not from here.
void rethrowLater(const asio::any_io_executor& executor);

/// Calls what a program has given. What it throws leaves run() in any case, but not from here: the
/// caller still has to do what comes after it.
template <class Call>
void throwLater(const asio::any_io_executor& executor, Call call) {
  try {
    call();
  } catch (...) {
    rethrowLater(executor);
  }
}

}  // namespace sluice::detail
