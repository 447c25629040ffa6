// SPDX-License-Identifier: BSL-1.0
//
// One stored completion handler of any type. Asio's any_completion_handler cannot be move-assigned
// in Boost 1.81 (it recurses for ever), and its executor does not accept a post; this one does what
// the waits of this library need and no more.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>
#include <concepts>
#include <cstddef>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/task.hpp>
#include <type_traits>
#include <utility>

namespace sluice::detail {

/// Where handlers are stored. Asio keeps a few blocks of a thread for reuse.
struct WaitMemory {
  static void* take(std::size_t size);
  static void giveBack(void* memory, std::size_t size) noexcept;
};

template <class Signature>
class Completion;

template <class... Args>
class Completion<void(Args...)> {
 public:
  Completion() = default;
  Completion(std::nullptr_t) {}
  template <class Handler>
    requires(!std::same_as<std::remove_cvref_t<Handler>, Completion> &&
             std::invocable<std::decay_t<Handler>, Args...>)
  explicit Completion(Handler&& handler)
      : stored_(Stored<std::decay_t<Handler>>::make(std::forward<Handler>(handler))) {}
  Completion(Completion&& other) noexcept : stored_(std::exchange(other.stored_, nullptr)) {}
  Completion& operator=(Completion&& other) noexcept {
    std::swap(stored_, other.stored_);
    return *this;
  }
  ~Completion() {
    if (stored_ != nullptr) stored_->drop();
  }

  void swap(Completion& other) noexcept { std::swap(stored_, other.stored_); }

  explicit operator bool() const { return stored_ != nullptr; }

  /// Where a cancellation of the wait comes from; not connected if nobody can.
  asio::cancellation_slot slot() const { return stored_->slot(); }
  /// Calls `cancel` when the wait is cancelled.
  template <class Cancel>
  void onCancel(const Cancel& cancel) const {
    auto from = slot();
    if (from.is_connected()) withReserve([&] { from.assign(cancel); });
  }

  // Each may be called once, and leaves this empty.

  /// Right here, inside the caller. For a handler that is known to live on this executor.
  void operator()(Args... args) { take()->invoke(How::here, nullptr, std::move(args)...); }
  /// On the handler's executor; right here if that is `fallback`, on which the caller is.
  void dispatch(const asio::any_io_executor& fallback, Args... args) {
    take()->invoke(How::dispatch, &fallback, std::move(args)...);
  }
  /// On the handler's executor, never from here.
  void post(const asio::any_io_executor& fallback, Args... args) {
    take()->invoke(How::post, &fallback, std::move(args)...);
  }
  /// The same for a wait that may outlive the signal that could have cancelled it: what was put
  /// into the slot stays there.
  void postLeavingSlot(const asio::any_io_executor& fallback, Args... args) {
    take()->invoke(How::postLeavingSlot, &fallback, std::move(args)...);
  }

 private:
  enum class How { here, dispatch, post, postLeavingSlot };

  class Base {
   public:
    virtual void invoke(How, const asio::any_io_executor* fallback, Args... args) = 0;
    virtual void drop() = 0;
    virtual asio::cancellation_slot slot() const = 0;

   protected:
    ~Base() = default;
  };

  template <class Handler>
  class Stored final : public Base {
   public:
    template <class Source>
    static Stored* make(Source&& handler) {
      static_assert(alignof(Stored) <= alignof(std::max_align_t),
                    "a completion handler with a larger alignment than that of max_align_t");
      return new (WaitMemory::take(sizeof(Stored))) Stored(std::forward<Source>(handler));
    }

    void invoke(How how, const asio::any_io_executor* fallback, Args... args) override {
      // The memory is free again before the handler runs, so that its next wait finds it.
      Handler handler = take();
      if (how != How::postLeavingSlot) clearSlotOf(handler);
      if (how == How::here) {
        std::move(handler)(std::move(args)...);
        return;
      }
      const auto executor = asio::get_associated_executor(handler, *fallback);
      // Asio would take the same decision, and wrap the handler once more before it does.
      if (how == How::dispatch && isSame(executor, *fallback)) {
        std::move(handler)(std::move(args)...);
        return;
      }
      auto bound = [handler = std::move(handler), ... args = std::move(args)]() mutable {
        std::move(handler)(std::move(args)...);
      };
      // Of whatever size: a handler may be the user's.
      if constexpr (std::convertible_to<decltype(executor), asio::any_io_executor> &&
                    Work::fits(sizeof(bound), alignof(decltype(bound)))) {
        if (how == How::dispatch) {
          detail::dispatch(executor, std::move(bound));
        } else {
          detail::post(executor, std::move(bound));
        }
      } else if (how == How::dispatch) {
        asio::dispatch(executor, std::move(bound));
      } else if constexpr (asio::can_require_v<decltype(executor), Never>) {
        asio::post(executor, std::move(bound));
      } else {
        // any_completion_executor, which cannot be told to wait: `fallback` does that for it.
        asio::post(*fallback, asio::bind_executor(executor, std::move(bound)));
      }
    }
    void drop() override { static_cast<void>(take()); }
    asio::cancellation_slot slot() const override {
      return asio::get_associated_cancellation_slot(handler_);
    }

   private:
    template <class Source>
    explicit Stored(Source&& handler) : handler_(std::forward<Source>(handler)) {}

    using Never = asio::execution::blocking_t::never_t;

    template <class HandlerExecutor>
    static bool isSame(const HandlerExecutor& executor, const asio::any_io_executor& fallback) {
      if constexpr (std::same_as<HandlerExecutor, asio::any_io_executor>) {
        return executor == fallback;
      } else {
        return false;
      }
    }

    static void clearSlotOf(const Handler& handler) {
      auto slot = asio::get_associated_cancellation_slot(handler);
      if (slot.is_connected()) slot.clear();
    }

    Handler take() {
      Handler handler = std::move(handler_);
      this->~Stored();
      WaitMemory::giveBack(this, sizeof(Stored));
      return handler;
    }

    Handler handler_;
  };

  Base* take() { return std::exchange(stored_, nullptr); }

  Base* stored_ = nullptr;
};

}  // namespace sluice::detail
