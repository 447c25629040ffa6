// SPDX-License-Identifier: BSL-1.0
//
// The quick way through a head that is there as a whole and has nothing unusual: nearly every one.
// It accepts less than Beast's grammar does and judges nothing: what it does not like is read line
// by line, where Beast is the engine and finds out what is wrong, if anything is. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <sluice/config.hpp>
#include <sluice/http/detail/wire/byte_run.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <string_view>

namespace sluice::http::detail {

/// Sink has, each returning whether to go on:
///   bool onRequestLine(std::string_view method, std::string_view target, int version)
///   bool onStatusLine(int status, std::string_view reason, int version)
///   bool onFieldLine(std::string_view name, std::string_view value)
template <class Sink>
class HeadScanner {
 public:
  HeadScanner(std::string_view input, Sink& sink)
      : begin_(input.data()), at_(begin_), end_(begin_ + input.size()), sink_(sink) {}

  /// false: the head is not complete or not plain, or the sink stopped.
  bool scanRequest() { return requestLine() && fieldLines(); }
  bool scanResponse() { return statusLine() && fieldLines(); }

  /// The size of the head, once it was scanned.
  std::size_t consumed() const { return static_cast<std::size_t>(at_ - begin_); }

 private:
  bool has(std::size_t count) const { return static_cast<std::size_t>(end_ - at_) >= count; }

  template <std::size_t Size>
  bool skip(const char (&text)[Size]) {
    constexpr std::size_t count = Size - 1;
    if (!has(count) || std::memcmp(at_, text, count) != 0) return false;
    at_ += count;
    return true;
  }

  std::string_view takeWhile(const std::array<bool, 256>& allowed) {
    const char* const from = at_;
    while (at_ != end_ && allowed[static_cast<unsigned char>(*at_)]) ++at_;
    return {from, static_cast<std::size_t>(at_ - from)};
  }

  // Nearly every name has letters and hyphens only.
  std::string_view takeName() {
    const char* const from = at_;
    while (has(ByteRun::size)) {
      const std::size_t passed = ByteRun(at_).firstUnusualInName();
      at_ += passed;
      if (passed != ByteRun::size) break;
    }
    takeWhile(tokenBytes);
    return {from, static_cast<std::size_t>(at_ - from)};
  }

  // 10 or 11; 0 where it is neither.
  int version() {
    if (!skip("HTTP/1.") || at_ == end_ || (*at_ != '0' && *at_ != '1')) return 0;
    return 10 + (*at_++ - '0');
  }

  bool requestLine() {
    const std::string_view method = takeWhile(tokenBytes);
    if (method.empty() || !skip(" ")) return false;
    const std::string_view target = takeWhile(targetBytes);
    if (target.empty() || !skip(" ")) return false;
    const int found = version();
    return found != 0 && skip("\r\n") && sink_.onRequestLine(method, target, found);
  }

  bool statusLine() {
    const int found = version();
    if (found == 0 || !skip(" ") || !has(4)) return false;
    int status = 0;
    for (int digits = 0; digits != 3; ++digits, ++at_) {
      if (*at_ < '0' || *at_ > '9') return false;
      status = status * 10 + (*at_ - '0');
    }
    if (!skip(" ")) return false;
    const char* const from = at_;
    if (!passText()) return false;
    const std::string_view reason(from, static_cast<std::size_t>(at_ - from));
    return skip("\r\n") && sink_.onStatusLine(status, reason, found);
  }

  bool fieldLines() {
    while (at_ != end_ && *at_ != '\r') {
      const std::string_view name = takeName();
      if (name.empty() || !skip(":")) return false;
      // One space, as a rule.
      if (at_ != end_ && *at_ == ' ') ++at_;
      while (at_ != end_ && isBlank(*at_)) ++at_;
      const char* const from = at_;
      if (!passText()) return false;
      const char* last = at_;
      while (last != from && isBlank(last[-1])) --last;
      // A line that goes on behind its end is not for here: the blank is no name.
      if (!skip("\r\n") ||
          !sink_.onFieldLine(name, {from, static_cast<std::size_t>(last - from)})) {
        return false;
      }
    }
    return skip("\r\n");
  }

  static bool isBlank(char byte) { return byte <= ' ' && (byte == ' ' || byte == '\t'); }

  // Up to the first byte that is no text. false: there is none.
  bool passText() {
    at_ = findNoText(at_, end_);
    return at_ != end_;
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  Sink& sink_;
};

}  // namespace sluice::http::detail
