// SPDX-License-Identifier: BSL-1.0
//
// The tables of the protocol that Node publishes: the request methods and the status phrases, with
// lookups that are cheap enough for every message, and the default limit of a head.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_CONSTANTS_HPP
#define SLUICE_HTTP_CONSTANTS_HPP

#include <sluice/config.hpp>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace sluice::http {

/// "No limit", wherever a limit is a number of bytes, sockets or connections.
inline constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

/// The limit of a received head in bytes, for servers and requests whose options do not set one:
/// 8 KiB. A larger head is answered 431, or fails the request with HPE_HEADER_OVERFLOW.
///
/// Differs from Node: it may be assigned, at any time and from any thread; heads that begin later
/// have the new limit. Today's Node has 16 KiB.
inline std::atomic<std::size_t> maxHeaderSize = 8 * 1024;

/// The request methods that the parser knows, sorted.
inline constexpr std::array<std::string_view, 35> METHODS = {
    "ACL",       "BIND",      "CHECKOUT", "CONNECT",  "COPY",   "DELETE",     "GET",
    "HEAD",      "LINK",      "LOCK",     "M-SEARCH", "MERGE",  "MKACTIVITY", "MKCALENDAR",
    "MKCOL",     "MOVE",      "NOTIFY",   "OPTIONS",  "PATCH",  "POST",       "PROPFIND",
    "PROPPATCH", "PURGE",     "PUT",      "QUERY",    "REBIND", "REPORT",     "SEARCH",
    "SOURCE",    "SUBSCRIBE", "TRACE",    "UNBIND",   "UNLINK", "UNLOCK",     "UNSUBSCRIBE"};

namespace detail {

/// Status codes and their phrases, in ascending order.
class StatusCodes {
 public:
  using value_type = std::pair<int, std::string_view>;
  using const_iterator = const value_type*;

  constexpr StatusCodes() {
    for (std::size_t index = 0; index < entries_.size(); ++index) {
      positions_[offsetOf(entries_[index].first)] = static_cast<std::uint8_t>(index + 1);
    }
  }

  /// The phrase, or "" if the code has none (Node's undefined).
  constexpr std::string_view operator[](int code) const {
    const std::size_t position = positionOf(code);
    return position != 0 ? entries_[position - 1].second : std::string_view();
  }
  constexpr bool contains(int code) const { return positionOf(code) != 0; }

  constexpr std::size_t size() const { return entries_.size(); }
  constexpr const_iterator begin() const { return entries_.data(); }
  constexpr const_iterator end() const { return entries_.data() + entries_.size(); }

 private:
  static constexpr int first_ = 100;
  static constexpr int last_ = 511;

  static constexpr std::size_t offsetOf(int code) {
    return static_cast<std::size_t>(code - first_);
  }

  constexpr std::size_t positionOf(int code) const {
    return code >= first_ && code <= last_ ? positions_[offsetOf(code)] : 0;
  }

  std::array<value_type, 63> entries_{{
      {100, "Continue"},
      {101, "Switching Protocols"},
      {102, "Processing"},
      {103, "Early Hints"},
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {203, "Non-Authoritative Information"},
      {204, "No Content"},
      {205, "Reset Content"},
      {206, "Partial Content"},
      {207, "Multi-Status"},
      {208, "Already Reported"},
      {226, "IM Used"},
      {300, "Multiple Choices"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {305, "Use Proxy"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {402, "Payment Required"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {407, "Proxy Authentication Required"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Payload Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {418, "I'm a Teapot"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Entity"},
      {423, "Locked"},
      {424, "Failed Dependency"},
      {425, "Too Early"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {451, "Unavailable For Legal Reasons"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {506, "Variant Also Negotiates"},
      {507, "Insufficient Storage"},
      {508, "Loop Detected"},
      {509, "Bandwidth Limit Exceeded"},
      {510, "Not Extended"},
      {511, "Network Authentication Required"},
  }};
  // Where a code's entry is, counted from 1; 0: nowhere.
  std::array<std::uint8_t, last_ - first_ + 1> positions_{};
};

// A perfect hash: the weights were searched for until no two methods met. A new method that meets
// another one fails the assertion below, and then other weights have to be found.
constexpr std::size_t methodSlot(std::string_view method) {
  const auto byte = [method](std::size_t index) {
    return static_cast<unsigned char>(method[index]);
  };
  return (byte(0) + byte(2) + 5U * byte(method.size() - 2)) % 128;
}

inline constexpr std::array<std::string_view, 128> methodTable = [] {
  std::array<std::string_view, 128> table{};
  for (const std::string_view method : METHODS) table[methodSlot(method)] = method;
  return table;
}();

/// Whether METHODS has it. One comparison, as the parser asks for every request.
constexpr bool isKnownMethod(std::string_view method) {
  return method.size() >= 3 && methodTable[methodSlot(method)] == method;
}

/// Whether a request with it may be sent again, if nobody knows what became of the first.
constexpr bool isIdempotent(std::string_view method) {
  for (const std::string_view each : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    if (each == method) return true;
  }
  return false;
}

static_assert([] {
  for (const std::string_view method : METHODS) {
    if (!isKnownMethod(method)) return false;
  }
  return true;
}());

}  // namespace detail

/// The phrase of each status code: `STATUS_CODES[404]` is "Not Found". Iterating gives pairs of
/// code and phrase.
inline constexpr detail::StatusCodes STATUS_CODES;

}  // namespace sluice::http

#endif
