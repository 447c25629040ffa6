// SPDX-License-Identifier: BSL-1.0
//
// What Beast's grammar lets through and a strict reading of HTTP/1.x refuses: one function a rule,
// with the section of the RFC it comes from. Pure: bytes in, an answer out. Who asks, and when, is
// the business of MessageParser and BodyDecoder.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/known_header.hpp>
#include <string_view>

namespace sluice::http::detail {

/// Why bytes were refused; false if they were not.
struct Fault {
  errc code{};
  std::string_view reason;  // a literal

  explicit operator bool() const { return code != errc{}; }
};

/// Blank lines in front of a message that are skipped, in bytes; more are refused.
inline constexpr std::size_t maxBlankBytes = 256;

/// Digits and extensions of one chunk line, in bytes; more are HPE_CHUNK_EXTENSIONS_OVERFLOW.
inline constexpr std::size_t maxChunkLine = 16 * 1024;

// --- the start line ---------------------------------------------------------------------------

/// RFC 9112 §3.1: whether `line`, which may be cut short anywhere, can still become a request line.
Fault methodFault(std::string_view line);

/// RFC 9112 §2.3, §4: whether `line`, which may be cut short anywhere, can still become a status
/// line.
Fault protocolFault(std::string_view line);

/// RFC 9112 §3.2, RFC 3986 §2: a target is made of 0x21 to 0x7E.
bool isTargetText(std::string_view target);

/// RFC 9112 §3.2: the four forms: origin, absolute, the authority with CONNECT and only there, the
/// asterisk with OPTIONS (and M-SEARCH, which UPnP defines with it) and only there.
bool isTargetForm(std::string_view method, std::string_view target);

/// RFC 9112 §2.3: which code names what is wrong with the text where the version should be.
Fault versionFault(std::string_view text);

/// RFC 9110 §15: the first digit of a status is 1 to 5; what is above is passed on, 000 to 099 is
/// not.
bool isStatus(int status);

// --- field lines ------------------------------------------------------------------------------

/// RFC 9112 §2.2, §5.2: what the first bytes of a line after the start line give away: blanks, CR
/// without LF, LF without CR. `rest` may be cut short anywhere.
/// first  the line directly after the start line
Fault lineStartFault(std::string_view rest, bool first);

/// RFC 9112 §3.2, RFC 9110 §7.2: empty, or host [ ":" port ] as RFC 3986 §3.2.2 writes hosts.
bool isHost(std::string_view value);

/// RFC 9110 §9.3.6: host ":" port, where the port is neither empty nor beyond 65535.
bool isAuthority(std::string_view target);

/// RFC 9110 §8.6: one or more digits and nothing else, below 2^64.
std::optional<std::uint64_t> contentLength(std::string_view value);

/// RFC 9110 §6.5.1: fields that frame a message mean nothing, and bode ill, in a trailer section.
Fault trailerFault(KnownHeader header);

/// RFC 9110 §7.6.1: the options of all Connection lines together; unknown ones are ignored.
struct ConnectionHeader {
  bool close = false;
  bool keepAlive = false;
  bool upgrade = false;

  void add(std::string_view value);
};

/// RFC 9112 §6.1, §7: the codings of all Transfer-Encoding lines together, in their order.
class TransferCodings {
 public:
  void add(std::string_view value);

  bool present() const { return present_; }

  /// The last coding is `chunked`, it is there once, it has no parameters, and every element of the
  /// list is a coding.
  bool delimits() const { return wellFormed_ && lastIsChunked_ && chunked_ == 1; }

  /// Whether a response may be read to the close of the connection: RFC 9112 §6.3 (4). A list
  /// that is none, or one that applies `chunked` twice, is not that case.
  bool runsToClose() const { return wellFormed_ && !lastIsChunked_; }

 private:
  bool present_ = false;
  bool wellFormed_ = true;
  bool lastIsChunked_ = false;
  unsigned chunked_ = 0;
};

}  // namespace sluice::http::detail
