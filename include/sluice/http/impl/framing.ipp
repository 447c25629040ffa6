// SPDX-License-Identifier: BSL-1.0
//
// Decides how a message is framed, then writes it: every check comes before the first byte.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <sluice/error.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>

namespace sluice::http::detail {

// The status lines of all known codes in one text, so that each is one copy.
class StatusLines {
 public:
  constexpr StatusLines() {
    std::size_t at = 0;
    for (const auto& [code, phrase] : STATUS_CODES) {
      const std::size_t begin = at;
      at = copy("HTTP/1.1 ", at);
      for (const int digit : {code / 100, code / 10 % 10, code % 10}) {
        text_[at++] = static_cast<char>('0' + digit);
      }
      text_[at++] = ' ';
      at = copy("\r\n", copy(phrase, at));
      entries_[static_cast<std::size_t>(code - first)] = {static_cast<std::uint16_t>(begin),
                                                          static_cast<std::uint16_t>(at - begin)};
    }
  }

  /// Empty for a code without a phrase.
  constexpr std::string_view operator[](int code) const {
    const auto index = static_cast<std::size_t>(code - first);
    if (index >= entries_.size()) return {};
    return {text_.data() + entries_[index].at, entries_[index].size};
  }

 private:
  struct Entry {
    std::uint16_t at = 0;
    std::uint16_t size = 0;
  };

  static constexpr int first = 100;
  static constexpr std::size_t codes = 412;
  static constexpr std::size_t textSize = [] {
    std::size_t size = 0;
    for (const auto& [code, phrase] : STATUS_CODES) size += 15 + phrase.size();
    return size;
  }();

  constexpr std::size_t copy(std::string_view text, std::size_t at) {
    std::copy(text.begin(), text.end(), text_.begin() + static_cast<std::ptrdiff_t>(at));
    return at + text.size();
  }

  std::array<char, textSize> text_{};
  std::array<Entry, codes> entries_{};
};

inline constexpr StatusLines statusLines;

// What the user's own headers say about framing and the connection.
struct HeadFacts {
  KnownHeaders present;
  bool closes = false;          // Connection has the word close
  bool chunked = false;         // Transfer-Encoding has the word chunked
  bool lengthIsUsable = false;  // one Content-Length, a number
  std::uint64_t length = 0;

  bool has(KnownHeader header) const { return present.has(header); }
  bool framed() const {
    return has(KnownHeader::contentLength) || has(KnownHeader::transferEncoding);
  }
  /// Recipients would not agree on where the body ends, or could not tell.
  bool ambiguous() const {
    if (has(KnownHeader::transferEncoding)) return !chunked || has(KnownHeader::contentLength);
    return has(KnownHeader::contentLength) && !lengthIsUsable;
  }
};

inline constexpr KnownHeaders factHeaders(KnownHeader::connection, KnownHeader::contentLength,
                                          KnownHeader::transferEncoding);

SLUICE_DECL void noteLine(HeadFacts& facts, KnownHeader known, std::string_view value) {
  if (known == KnownHeader::connection) {
    facts.closes = facts.closes || containsWord(value, "close");
  } else if (known == KnownHeader::transferEncoding) {
    facts.chunked = facts.chunked || containsWord(value, "chunked");
  } else if (known == KnownHeader::contentLength) {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), facts.length);
    facts.lengthIsUsable = !facts.has(known) && error == std::errc() && !value.empty() &&
                           end == value.data() + value.size();
  }
  facts.present.insert(known);
}

SLUICE_DECL HeadFacts factsOf(const HeaderStore& headers) {
  HeadFacts facts;
  if (headers.present().hasAny(factHeaders)) {
    for (std::size_t index = 0; index < headers.lineCount(); ++index) {
      if (!headers.wire(index).empty()) {
        noteLine(facts, headers.known(index), headers.line(index).value);
      }
    }
  }
  facts.present = headers.present();
  return facts;
}

SLUICE_DECL HeadFacts factsOf(const Headers& headers) {
  HeadFacts facts;
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    const RawHeader line = headers.line(index);
    noteLine(facts, knownHeader(line.name), line.value);
  }
  return facts;
}

SLUICE_DECL bool isUnique(std::string_view name, std::span<const std::string> uniqueHeaders) {
  return std::any_of(uniqueHeaders.begin(), uniqueHeaders.end(),
                     [name](const std::string& unique) { return equalIgnoreCase(unique, name); });
}

inline void appendLine(ByteBuffer& out, const RawHeader& line) {
  out.append(line.name);
  out.append(": ");
  out.append(line.value);
  out.append("\r\n");
}

/// All lines of the name of line `first`, as one.
template <class Source>
void appendJoined(ByteBuffer& out, const Source& headers, std::size_t first) {
  const RawHeader line = headers.line(first);
  out.append(line.name);
  out.append(": ");
  out.append(line.value);
  for (std::size_t index = first + 1; index < headers.lineCount(); ++index) {
    if (!equalIgnoreCase(headers.line(index).name, line.name)) continue;
    out.append("; ");
    out.append(headers.line(index).value);
  }
  out.append("\r\n");
}

SLUICE_DECL void appendHeaders(ByteBuffer& out, const HeaderStore& headers,
                               std::span<const std::string> uniqueHeaders) {
  if (headers.isPlain() && uniqueHeaders.empty()) {
    out.append(headers.wire());
    return;
  }
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    const std::string_view wire = headers.wire(index);
    if (wire.empty()) continue;
    if (headers.known(index) != KnownHeader::cookie &&
        !isUnique(headers.line(index).name, uniqueHeaders)) {
      out.append(wire);
    } else if (headers.firstLineOf(index) == index) {
      appendJoined(out, headers, index);
    }
  }
}

SLUICE_DECL void appendHeaders(ByteBuffer& out, const Headers& headers, bool joinCookies,
                               std::span<const std::string> uniqueHeaders) {
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    const RawHeader line = headers.line(index);
    const bool isCookie = joinCookies && knownHeader(line.name) == KnownHeader::cookie;
    if (!isCookie && !isUnique(line.name, uniqueHeaders)) {
      appendLine(out, line);
    } else if (headers.firstLineOf(index) == index) {
      appendJoined(out, headers, index);
    }
  }
}

SLUICE_DECL void appendLength(ByteBuffer& out, std::uint64_t length) {
  out.append("Content-Length: ");
  out.appendNumber(length);
  out.append("\r\n\r\n");
}

inline constexpr std::string_view chunkedAndEnd = "Transfer-Encoding: chunked\r\n\r\n";

SLUICE_DECL void appendKeepAlive(ByteBuffer& out, const ResponseHead& head, bool withDetails) {
  out.append("Connection: keep-alive\r\n");
  if (!withDetails || head.keepAliveTimeout.count() <= 0) return;
  out.append("Keep-Alive: timeout=");
  out.appendNumber(static_cast<std::uint64_t>(head.keepAliveTimeout.count()) / 1000);
  if (head.maxRequestsPerSocket != 0) {
    out.append(", max=");
    out.appendNumber(head.maxRequestsPerSocket);
  }
  out.append("\r\n");
}

SLUICE_DECL void appendStatusLine(ByteBuffer& out, int code, std::string_view reason) {
  const std::string_view known = statusLines[code];
  if (reason.empty() && !known.empty()) {
    out.append(known);
    return;
  }
  out.append("HTTP/1.1 ");
  out.appendNumber(static_cast<std::uint64_t>(code));
  out.append(' ');
  out.append(reason.empty() ? std::string_view("unknown") : reason);
  out.append("\r\n");
}

SLUICE_DECL bool hasBody(const ResponseHead& head) {
  // RFC 9112 §6.3 (1)
  return !head.isHead && head.statusCode >= 200 && head.statusCode != 204 && head.statusCode != 304;
}

SLUICE_DECL HeadFraming composeResponseHead(ByteBuffer& out, const ResponseHead& head) {
  if (head.statusCode < 100 || head.statusCode > 999) {
    throw Error(errc::ERR_HTTP_INVALID_STATUS_CODE,
                "Invalid status code: " + std::to_string(head.statusCode));
  }
  if (!isHeaderText(head.reason)) {
    throw Error(errc::ERR_INVALID_CHAR, "Invalid character in statusMessage");
  }
  const Headers* direct = head.writeHeadHeaders;
  if (direct != nullptr) {
    validateHeaders(*direct);
    if (!head.headers.empty()) {
      head.headers.merge(*direct);
      direct = nullptr;
    }
  }
  const HeadFacts facts = direct != nullptr ? factsOf(*direct) : factsOf(head.headers);
  const auto removed = [&](KnownHeader header) {
    return !facts.has(header) && head.headers.removed(header);
  };

  HeadFraming framing;
  framing.bodyAllowed = hasBody(head);
  // A client of 204 and 304 does not look for chunks; one that did would wait for the last.
  const bool withheld = facts.chunked && (head.statusCode == 204 || head.statusCode == 304);
  const bool mayChunk = !head.http10 || head.acceptsChunked;
  bool addLength = false;
  bool addChunked = false;
  if (!framing.bodyAllowed) {
    framing.mode = BodyMode::none;
  } else if (facts.has(KnownHeader::transferEncoding)) {
    framing.mode = facts.chunked ? BodyMode::chunked : BodyMode::untilClose;
  } else if (facts.has(KnownHeader::contentLength)) {
    framing.mode = BodyMode::sized;
    if (facts.lengthIsUsable) framing.contentLength = facts.length;
  } else if (!mayChunk) {
    framing.mode = BodyMode::untilClose;
  } else if (head.bodyLength && !facts.has(KnownHeader::trailer) &&
             !removed(KnownHeader::contentLength)) {
    framing.mode = BodyMode::sized;
    framing.contentLength = head.bodyLength;
    addLength = true;
  } else if (!removed(KnownHeader::transferEncoding)) {
    framing.mode = BodyMode::chunked;
    addChunked = true;
  } else {
    framing.mode = BodyMode::untilClose;
  }
  framing.trailersAllowed = framing.mode == BodyMode::chunked;

  // The answer to HEAD may name the trailers of the answer to GET, if that would be chunked.
  const bool saysChunked = addChunked || (facts.chunked && !withheld);
  if (facts.has(KnownHeader::trailer) && !saysChunked) throw Error(errc::ERR_HTTP_TRAILER_INVALID);

  const bool ambiguous = framing.bodyAllowed && facts.ambiguous();
  const bool mayStay = head.requestKeepAlive && head.shouldKeepAlive && !head.forceClose &&
                       !withheld && !ambiguous && framing.mode != BodyMode::untilClose;
  const bool addConnection =
      !facts.has(KnownHeader::connection) && !removed(KnownHeader::connection);
  const bool saysKeepAlive = addConnection && mayStay && !head.lastRequest &&
                             (facts.has(KnownHeader::contentLength) || mayChunk);
  if (addConnection) {
    framing.keepAlive = saysKeepAlive;
  } else if (facts.has(KnownHeader::connection)) {
    framing.keepAlive = !facts.closes && !head.forceClose && !head.lastRequest && !ambiguous &&
                        framing.mode != BodyMode::untilClose;
  } else {
    framing.keepAlive = mayStay && !head.lastRequest;
  }

  static_cast<void>(out.prepare(256));
  appendStatusLine(out, head.statusCode, head.reason);
  if (direct != nullptr) {
    appendHeaders(out, *direct, true, head.uniqueHeaders);
  } else {
    appendHeaders(out, head.headers, head.uniqueHeaders);
  }
  if (!facts.has(KnownHeader::date) && !removed(KnownHeader::date)) out.append(head.dateLine);
  if (saysKeepAlive) {
    appendKeepAlive(out, head, !facts.has(KnownHeader::keepAlive));
  } else if (addConnection) {
    out.append("Connection: close\r\n");
  }
  if (addLength) {
    appendLength(out, *head.bodyLength);
  } else {
    out.append(addChunked ? chunkedAndEnd : std::string_view("\r\n"));
  }
  return framing;
}

SLUICE_DECL bool expectsBody(std::string_view method) {
  constexpr std::array<std::string_view, 6> bodiless = {"GET",     "HEAD",  "DELETE",
                                                        "OPTIONS", "TRACE", "CONNECT"};
  return std::find(bodiless.begin(), bodiless.end(), method) == bodiless.end();
}

SLUICE_DECL HeadFraming composeRequestHead(ByteBuffer& out, const RequestHead& head) {
  if (!isToken(head.method)) {
    throw Error(errc::ERR_INVALID_HTTP_TOKEN,
                "Method must be a valid HTTP token [\"" + std::string(head.method) + "\"]");
  }
  if (!isRequestPath(head.path)) throw Error(errc::ERR_UNESCAPED_CHARACTERS);
  const HeadFacts facts = factsOf(head.headers);
  const auto unwanted = [&](KnownHeader header) {
    return !head.setDefaultHeaders || head.headers.removed(header);
  };

  HeadFraming framing;
  framing.bodyAllowed = true;
  const bool hasBody =
      expectsBody(head.method) || head.bodyFollows || head.bodyLength.value_or(0) != 0;
  bool addLength = false;
  bool addChunked = false;
  if (facts.has(KnownHeader::transferEncoding)) {
    framing.mode = facts.chunked ? BodyMode::chunked : BodyMode::untilClose;
  } else if (facts.has(KnownHeader::contentLength)) {
    framing.mode = BodyMode::sized;
    if (facts.lengthIsUsable) framing.contentLength = facts.length;
  } else if (hasBody && head.bodyLength && !facts.has(KnownHeader::trailer) &&
             !unwanted(KnownHeader::contentLength)) {
    framing.mode = BodyMode::sized;
    framing.contentLength = head.bodyLength;
    addLength = true;
  } else if (hasBody && !unwanted(KnownHeader::transferEncoding)) {
    framing.mode = BodyMode::chunked;
    addChunked = true;
  } else {
    // RFC 9112 §6.3 (7): without either header a request has no body, so none may be sent.
    framing.bodyAllowed = false;
  }
  framing.trailersAllowed = framing.mode == BodyMode::chunked;
  if (facts.has(KnownHeader::trailer) && !framing.trailersAllowed) {
    throw Error(errc::ERR_HTTP_TRAILER_INVALID);
  }

  const bool hasConnection = facts.has(KnownHeader::connection);
  framing.keepAlive = (hasConnection ? !facts.closes : head.shouldKeepAlive) && !facts.ambiguous();

  out.append(head.method);
  out.append(' ');
  out.append(head.path);
  out.append(" HTTP/1.1\r\n");
  appendHeaders(out, head.headers, head.uniqueHeaders);
  if (!hasConnection && !unwanted(KnownHeader::connection)) {
    out.append(framing.keepAlive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
  }
  if (addLength) {
    appendLength(out, *head.bodyLength);
  } else {
    out.append(addChunked ? chunkedAndEnd : std::string_view("\r\n"));
  }
  return framing;
}

SLUICE_DECL void validateTrailers(const Headers& trailers) {
  for (std::size_t index = 0; index < trailers.lineCount(); ++index) {
    const RawHeader line = trailers.line(index);
    if (!isToken(line.name)) {
      throw Error(errc::ERR_INVALID_HTTP_TOKEN,
                  "Trailer name must be a valid HTTP token [\"" + std::string(line.name) + "\"]");
    }
    if (!isHeaderText(line.value)) {
      throw Error(errc::ERR_INVALID_CHAR,
                  "Invalid character in trailer content [\"" + std::string(line.name) + "\"]");
    }
  }
}

SLUICE_DECL void appendLastChunk(ByteBuffer& out, const Headers* trailers,
                                 std::span<const std::string> uniqueHeaders) {
  if (trailers != nullptr) validateTrailers(*trailers);
  out.append("0\r\n");
  if (trailers != nullptr) appendHeaders(out, *trailers, false, uniqueHeaders);
  out.append("\r\n");
}

/// Whether `link` is `<uri>` and any number of `; name`, `; name=value` or `; name="value"`.
SLUICE_DECL bool isLinkValue(std::string_view link) {
  const auto isSpace = [](char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); };
  const auto skipWhile = [&link](auto&& wanted) {
    std::size_t count = 0;
    while (count < link.size() && wanted(link[count])) ++count;
    const std::string_view skipped = link.substr(0, count);
    link.remove_prefix(count);
    return skipped;
  };
  const auto isPlain = [&](char byte) { return byte != ';' && byte != '"' && !isSpace(byte); };
  const auto take = [&link](char byte) {
    const bool there = link.starts_with(byte);
    if (there) link.remove_prefix(1);
    return there;
  };

  if (!take('<')) return false;
  skipWhile([](char byte) { return byte != '>'; });
  if (!take('>')) return false;
  while (!link.empty()) {
    skipWhile(isSpace);
    if (!take(';')) return false;
    skipWhile(isSpace);
    const std::string_view parameter = skipWhile(isPlain);
    if (parameter.empty()) return false;
    if (!take('"')) continue;
    if (parameter.size() < 2 || parameter.back() != '=') return false;
    skipWhile(isPlain);
    if (!take('"')) return false;
  }
  return true;
}

SLUICE_DECL bool appendEarlyHints(ByteBuffer& out, const Headers& hints) {
  const std::vector<std::string_view> links = hints.getAll("link");
  if (links.empty() || (links.size() == 1 && links.front().empty())) return false;
  for (const std::string_view link : links) {
    if (isLinkValue(link)) continue;
    throw Error(errc::ERR_INVALID_ARG_VALUE,
                "The argument 'hints' must be an array or string of format "
                "\"</styles.css>; rel=preload; as=style\". Received '" +
                    std::string(link) + '\'');
  }
  validateHeaders(hints);
  out.append("HTTP/1.1 103 Early Hints\r\nLink: ");
  for (std::size_t index = 0; index < links.size(); ++index) {
    if (index != 0) out.append(", ");
    out.append(links[index]);
  }
  out.append("\r\n");
  for (std::size_t index = 0; index < hints.lineCount(); ++index) {
    if (!equalIgnoreCase(hints.line(index).name, "link")) appendLine(out, hints.line(index));
  }
  out.append("\r\n");
  return true;
}

SLUICE_DECL void appendInformation(ByteBuffer& out, int status, const Headers& headers) {
  if (status < 102 || status > 199) {
    throw Error(errc::ERR_HTTP_INVALID_STATUS_CODE,
                "Invalid status code of an informational response: " + std::to_string(status));
  }
  validateHeaders(headers);
  appendStatusLine(out, status, {});
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    appendLine(out, headers.line(index));
  }
  out.append("\r\n");
}

}  // namespace sluice::http::detail
