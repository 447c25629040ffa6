// SPDX-License-Identifier: BSL-1.0
//
// What a program that is measured tells whoever measures it: on SIGUSR1 one line of JSON with the
// heap use of its main thread so far. Nothing of the event loop is involved, so asking costs
// nothing that would be counted.
#pragma once

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <support/allocations.hpp>

namespace sluice::bench {

inline const test::Allocations& heap() {
  static const test::Allocations sinceStart;
  return sinceStart;
}

/// From now on SIGUSR1 prints a line. `port` is told in a first line of its own; 0: none.
inline void tellOnSignal(unsigned port) {
  heap();
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {
    char line[128];
    const int size =
        std::snprintf(line, sizeof line, "{\"allocations\": %zu, \"bytes\": %zu, \"live\": %td}\n",
                      heap().count(), heap().bytes(), heap().live());
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, line, static_cast<size_t>(size));
  };
  ::sigaction(SIGUSR1, &action, nullptr);
  if (port != 0) {
    std::printf("{\"port\": %u}\n", port);
    std::fflush(stdout);
  }
}

}  // namespace sluice::bench
