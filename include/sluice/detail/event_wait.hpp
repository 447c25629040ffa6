// SPDX-License-Identifier: BSL-1.0
//
// `co_await emitter.once<"event">()`: an Asio operation that listens for the event, and for
// "error", until the first of event, error, cancellation and the end of the object.
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/system/system_error.hpp>
#include <boost/version.hpp>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/event_listener.hpp>
#include <sluice/detail/event_traits.hpp>
#include <sluice/detail/event_value.hpp>
#include <sluice/detail/listeners.hpp>
#include <sluice/event_list.hpp>
#include <sluice/task.hpp>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#if BOOST_VERSION < 108200
namespace boost::asio::detail {

/// Boost 1.81 cannot co_await an operation of `void(exception_ptr, T)`: it asks `*result` where it
/// means `*result.ex_`, and this makes the two the same. Goes when 1.82 is the floor.
template <class Result>
  requires requires(Result& result) {
    { *result.ex_ } -> std::same_as<std::exception_ptr&>;
    result.value_;
  }
bool operator*(Result& result) {
  return static_cast<bool>(*result.ex_);
}

}  // namespace boost::asio::detail
#endif

namespace sluice::detail {

/// What a wait for an event completes with: the exception, and what is left of the arguments.
template <class... Values>
struct WaitSignature {
  using signature = void(std::exception_ptr, std::tuple<Values...>);
};
template <class Value>
struct WaitSignature<Value> {
  using signature = void(std::exception_ptr, Value);
};
template <>
struct WaitSignature<> {
  using signature = void(std::exception_ptr);
};

template <class Signature>
struct WaitSignatureOf;
template <class... Params>
struct WaitSignatureOf<void(Params...)> : WaitSignature<EventValue<Params>...> {};

/// One wait, owned by its listeners in the table.
template <class Signature>
class EventWait;

template <class... Value>
class EventWait<void(std::exception_ptr, Value...)>
    : public std::enable_shared_from_this<EventWait<void(std::exception_ptr, Value...)>> {
 public:
  using Handler = Completion<void(std::exception_ptr, Value...)>;

  using Work = asio::any_completion_executor;

  EventWait(Handler handler, asio::any_io_executor executor, Work work, ListenerTable& table)
      : handler_(std::move(handler)),
        executor_(std::move(executor)),
        work_(std::move(work)),
        table_(table) {}

  /// Waits for `event` through `listener`, which calls back here. At most two are needed.
  void listen(std::unique_ptr<Listener> listener, std::size_t event) {
    ids_[listening_++] = table_->add(std::move(listener), event, true);
  }

  // The signal may be owned by what waits here, so what is put into it must not own the wait. It
  // stays there after the end: the signal may be gone by then, so nobody takes it out.
  void listenForCancellation() {
    handler_.onCancel([weak = this->weak_from_this()](asio::cancellation_type_t) {
      if (const auto wait = weak.lock()) wait->abandon();
    });
  }

  void succeed(Value... value) { complete(nullptr, std::move(value)...); }

  void fail(std::exception_ptr error) {
    complete(std::move(error), emptyValue<Value>(asio::error::operation_aborted)...);
  }

  /// Nobody will end this wait any more.
  void abandon() {
    if (done_) return;
    fail(std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted)));
  }

 private:
  // Never resumes inside the emission: a coroutine that emits in its turn would nest without bound.
  void complete(std::exception_ptr error, Value... value) {
    if (std::exchange(done_, true)) return;
    const auto self = this->shared_from_this();
    handler_.postLeavingSlot(executor_, std::move(error), std::move(value)...);
    work_ = {};
    for (const ListenerId id : ids_) table_->remove(id);
  }

  Handler handler_;
  asio::any_io_executor executor_;
  Work work_;
  TableReference table_;
  ListenerId ids_[2];
  std::size_t listening_ = 0;
  bool done_ = false;
};

template <class Wait, class Signature>
class WaitListener;

template <class Wait, class... Params>
class WaitListener<Wait, void(Params...)> final : public Listener {
 public:
  explicit WaitListener(std::shared_ptr<Wait> wait) : wait_(std::move(wait)) {}

  void wasRemoved() override { wait_->abandon(); }
  void call(void* const* arguments) override {
    succeed(arguments, std::index_sequence_for<Params...>{});
  }

 private:
  using Traits = SignatureTraits<void(Params...)>;

  template <std::size_t... Index>
  void succeed(void* const* arguments, std::index_sequence<Index...>) {
    if constexpr (sizeof...(Params) < 2) {
      wait_->succeed(
          EventValue<Params>(argument<typename Traits::template At<Index>>(arguments[Index]))...);
    } else {
      wait_->succeed(
          {EventValue<Params>(argument<typename Traits::template At<Index>>(arguments[Index]))...});
    }
  }

  std::shared_ptr<Wait> wait_;
};

template <class Wait, class Signature>
class ErrorListener final : public Listener {
 public:
  explicit ErrorListener(std::shared_ptr<Wait> wait) : wait_(std::move(wait)) {}

  void wasRemoved() override { wait_->abandon(); }
  void call(void* const* arguments) override {
    wait_->fail(std::make_exception_ptr(
        argument<typename SignatureTraits<Signature>::template At<0>>(arguments[0])));
  }

 private:
  std::shared_ptr<Wait> wait_;
};

/// What `once<"event">()` returns: awaitable, and callable with any completion token.
template <class Events, fixed_string Name, class T>
class [[nodiscard]] EventOperation {
 public:
  using Signature = typename WaitSignatureOf<EventSignature<Events, Name>>::signature;

  explicit EventOperation(T& emitter) : emitter_(&emitter) {
    // An empty object refuses now: what an initiation throws ends the program.
    static_cast<void>(EmitterAccess::executor(emitter));
  }

  template <asio::completion_token_for<Signature> Token>
  auto operator()(Token&& token) const {
    return asio::async_initiate<Token, Signature>(
        [emitter = emitter_](auto&& handler) {
          const asio::any_io_executor executor = EmitterAccess::executor(*emitter);
          // The loop on which the handler runs goes on, also if nothing but this wait is left
          // there.
          typename Wait::Work work = asio::prefer(asio::get_associated_executor(handler, executor),
                                                  asio::execution::outstanding_work.tracked);
          start(*emitter, typename Wait::Handler(std::forward<decltype(handler)>(handler)),
                std::move(work));
        },
        token);
  }

 private:
  using Wait = EventWait<Signature>;

  static void start(T& emitter, typename Wait::Handler handler, typename Wait::Work work) {
    ListenerTable& table = EmitterAccess::listeners(emitter).table();
    const auto wait = std::make_shared<Wait>(std::move(handler), EmitterAccess::executor(emitter),
                                             std::move(work), table);
    wait->listen(std::make_unique<WaitListener<Wait, EventSignature<Events, Name>>>(wait),
                 eventIndex<Events, Name>);
    if constexpr (isKnownEvent<Events, "error"> && std::string_view(Name) != "error") {
      wait->listen(std::make_unique<ErrorListener<Wait, EventSignature<Events, "error">>>(wait),
                   eventIndex<Events, "error">);
    }
    wait->listenForCancellation();
    EmitterAccess::added<Name>(emitter);
    if (!EmitterAccess::isOver(emitter)) return;
    // "close" has been: that is a state, and not only a moment.
    if constexpr (std::string_view(Name) == "close" &&
                  std::is_same_v<Signature, void(std::exception_ptr)>) {
      wait->succeed();
    } else {
      wait->abandon();
    }
  }

  T* emitter_;
};

}  // namespace sluice::detail
