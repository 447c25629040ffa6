// SPDX-License-Identifier: BSL-1.0
//
// Reads the files of conformance cases beside this one, and cuts the bytes of a case into pieces.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::test {

struct ConformanceCase {
  std::string id;
  std::string severity;
  std::string rule;
  std::string bytes;
  std::string wanted;
};

/// `\r \n \t \\ \xHH` and `{text*n}`.
inline std::string unescaped(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '{') {
      const std::size_t star = text.find('*', at);
      const std::size_t close = text.find('}', at);
      std::size_t count = 0;
      if (star < close && close != std::string_view::npos &&
          std::from_chars(text.data() + star + 1, text.data() + close, count).ptr ==
              text.data() + close) {
        const std::string unit = unescaped(text.substr(at + 1, star - at - 1));
        for (; count != 0; --count) bytes += unit;
        at = close;
        continue;
      }
    }
    if (text[at] != '\\') {
      bytes += text[at];
      continue;
    }
    switch (text[++at]) {
      case 'r':
        bytes += '\r';
        break;
      case 'n':
        bytes += '\n';
        break;
      case 't':
        bytes += '\t';
        break;
      case '\\':
        bytes += '\\';
        break;
      case 'x': {
        unsigned value = 0;
        std::from_chars(text.data() + at + 1, text.data() + at + 3, value, 16);
        bytes += static_cast<char>(value);
        at += 2;
        break;
      }
      default:
        throw std::runtime_error("unknown escape in " + std::string(text));
    }
  }
  return bytes;
}

/// Every case of a file of $SLUICE_TEST_CONFORMANCE, or of test/conformance below the current
/// folder: a line with id, severity and rule, one with the bytes,
/// one with the wanted result.
inline std::vector<ConformanceCase> conformanceCases(const std::string& file) {
  const char* folder = std::getenv("SLUICE_TEST_CONFORMANCE");
  std::ifstream in(std::string(folder != nullptr ? folder : "test/conformance") + '/' + file);
  if (!in) throw std::runtime_error("cannot read " + file);
  std::vector<ConformanceCase> cases;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    ConformanceCase next;
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    next.id = line.substr(0, first);
    next.severity = line.substr(first + 1, second - first - 1);
    next.rule = line.substr(second + 1);
    std::string bytes;
    std::string wanted;
    if (!std::getline(in, bytes) || !std::getline(in, wanted) || !bytes.starts_with("> ") ||
        !wanted.starts_with("< ")) {
      throw std::runtime_error("the case " + next.id + " is not three lines");
    }
    next.bytes = unescaped(std::string_view(bytes).substr(2));
    next.wanted = unescaped(std::string_view(wanted).substr(2));
    cases.push_back(std::move(next));
  }
  return cases;
}

/// How the bytes of a case arrive. The random sizes are the same in every run.
enum class Arrival { whole, byteByByte, randomPieces };

inline std::vector<std::string_view> cut(std::string_view bytes, Arrival arrival,
                                         std::uint32_t seed) {
  std::vector<std::string_view> pieces;
  while (!bytes.empty()) {
    std::size_t size = arrival == Arrival::whole ? bytes.size() : 1;
    if (arrival == Arrival::randomPieces) {
      seed = seed * 1664525 + 1013904223;
      size = 1 + (seed >> 16) % 40;
    }
    pieces.push_back(bytes.substr(0, size));
    bytes.remove_prefix(pieces.back().size());
  }
  return pieces;
}

}  // namespace sluice::test
