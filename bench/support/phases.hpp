// SPDX-License-Identifier: BSL-1.0
//
// How a measured client goes along with whoever measures it: it warms up, says so in a line, waits
// for a line, does the counted requests, says so, and waits again, so that everything can be read
// off the process while it stands still. An end of the input answers for every line.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace sluice::bench {

/// Arguments as every client has them: PORT CONNECTIONS WARM-UP REQUESTS [--close] [--upload BYTES]
struct ClientOptions {
  ClientOptions(int argc, char* argv[]) {
    if (argc < 5) std::exit(2);
    port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    connections = std::strtoull(argv[2], nullptr, 10);
    for (int i = 5; i < argc; ++i) {
      if (std::string_view(argv[i]) == "--close") close = true;
      if (std::string_view(argv[i]) == "--upload") upload = std::strtoull(argv[++i], nullptr, 10);
    }
  }

  std::uint16_t port;
  std::size_t connections;
  bool close = false;      ///< a connection for every request
  std::size_t upload = 0;  ///< bytes of each request's body, which leaves in pieces of 64 KiB
};

inline constexpr std::size_t pieceSize = 64 * 1024;

inline void standStill(const char* phase) {
  std::cout << "{\"phase\": \"" << phase << "\"}" << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

template <class Run>
void runPhases(char* argv[], Run run) {
  run(std::strtoull(argv[3], nullptr, 10));
  standStill("warm");
  run(std::strtoull(argv[4], nullptr, 10));
  standStill("done");
}

}  // namespace sluice::bench
