// SPDX-License-Identifier: BSL-1.0
//
// How a measured client goes along with whoever measures it: it warms up, says so in a line, waits
// for a line, does the counted requests, says so, and waits again, so that everything can be read
// off the process while it stands still. An end of the input answers for every line.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

namespace sluice::bench {

inline void standStill(const char* phase) {
  std::cout << "{\"phase\": \"" << phase << "\"}" << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

/// Arguments as every client has them: PORT CONNECTIONS WARM-UP REQUESTS.
template <class Run>
void runPhases(char* argv[], Run run) {
  run(std::strtoull(argv[3], nullptr, 10));
  standStill("warm");
  run(std::strtoull(argv[4], nullptr, 10));
  standStill("done");
}

}  // namespace sluice::bench
