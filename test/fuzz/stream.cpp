// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the reading side of a connection: the same bytes give the same events, whole, byte by byte
// and in the pieces that the second byte asks for. The first byte picks the side and the limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <support/every_split.hpp>

using namespace sluice::test;

namespace {

Pieces cut(std::string_view bytes, std::uint32_t seed) {
  Pieces pieces;
  while (!bytes.empty()) {
    seed = seed * 1664525U + 1013904223U;
    const std::size_t size = std::min<std::size_t>(1 + (seed >> 27), bytes.size());
    pieces.push_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return pieces;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned mode = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  Reading reading;
  reading.kind = (mode & 1) != 0 ? MessageParser::Kind::response : MessageParser::Kind::request;
  reading.limits.insecure = (mode & 2) != 0;
  reading.limits.maxHeaderSize = (mode & 4) != 0 ? 64 : 4096;
  reading.limits.maxHeadersCount = (mode & 8) != 0 ? 2 : 0;
  reading.requestMethod = (mode & 16) != 0 ? "HEAD" : "GET";
  reading.eof = (mode & 32) != 0;

  const std::string whole = transcript({bytes}, reading);
  for (const Pieces& pieces : {cut(bytes, data[1]), [&] {
                                 Pieces single;
                                 for (std::size_t at = 0; at < bytes.size(); ++at)
                                   single.push_back(bytes.substr(at, 1));
                                 return single;
                               }()}) {
    const std::string split = transcript(pieces, reading);
    if (split == whole) continue;
    std::cerr << whole << "--- but in pieces\n" << split;
    std::abort();
  }
  return 0;
}
