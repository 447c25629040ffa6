// SPDX-License-Identifier: BSL-1.0
//
// How the library tells those who observe a loop. The places that tell ask first whether there is
// somebody: that is a list of the loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <sluice/observe.hpp>

namespace sluice::observe::detail {

/// Calls `member` of every observer.
template <class... Parameters, class... Args>
void tell(sluice::detail::List<Observer>& observers,
          void (Observer::*member)(Parameters...) noexcept, const Args&... args) {
  for (Observer& each : observers) (each.*member)(args...);
}

/// If an exchange began that somebody observes.
struct Beginning {
  std::chrono::steady_clock::time_point time{};
  std::uint64_t bytesRead = 0;
  std::uint64_t bytesWritten = 0;
  bool isObserved = false;
};

}  // namespace sluice::observe::detail
