// SPDX-License-Identifier: BSL-1.0
//
// Decides how a message is framed, then writes it: every check comes before the first byte.
#pragma once

#include <algorithm>
#include <array>
#include <sluice/error.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/http/detail/wire/status_lines.hpp>
#include <sluice/http/detail/wire/strictness.hpp>

namespace sluice::http::detail {

// What the user's own headers say about framing and the connection. That there is one length at
// most, and a number, was made sure of when they were set.
struct HeadFacts {
  KnownHeaders present;
  bool closes = false;  // Connection has the word close
  std::uint64_t length = 0;
  TransferCodings codings;

  bool has(KnownHeader header) const { return present.has(header); }
  bool chunked() const { return codings.delimits(); }
  /// RFC 9112 §6.2: with Transfer-Encoding no Content-Length may be sent.
  bool dropsLength() const {
    return has(KnownHeader::transferEncoding) && has(KnownHeader::contentLength);
  }
};

inline constexpr KnownHeaders factHeaders(KnownHeader::connection, KnownHeader::contentLength,
                                          KnownHeader::transferEncoding);

SLUICE_DECL void noteLine(HeadFacts& facts, KnownHeader known, std::string_view value) {
  if (known == KnownHeader::connection) {
    facts.closes = facts.closes || containsWord(value, "close");
  } else if (known == KnownHeader::transferEncoding) {
    facts.codings.add(value);
  } else if (known == KnownHeader::contentLength) {
    facts.length = contentLength(value).value_or(0);
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

SLUICE_DECL void appendHeaders(ByteBuffer& out, const HeaderStore& headers, bool dropLength,
                               std::span<const std::string> uniqueHeaders) {
  if (headers.isPlain() && uniqueHeaders.empty() && !dropLength) {
    out.append(headers.wire());
    return;
  }
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    const std::string_view wire = headers.wire(index);
    if (wire.empty()) continue;
    if (dropLength && headers.known(index) == KnownHeader::contentLength) continue;
    if (headers.known(index) != KnownHeader::cookie &&
        !isUnique(headers.line(index).name, uniqueHeaders)) {
      out.append(wire);
    } else if (headers.firstLineOf(index) == index) {
      appendJoined(out, headers, index);
    }
  }
}

SLUICE_DECL void appendHeaders(ByteBuffer& out, const Headers& headers, bool joinCookies,
                               bool dropLength, std::span<const std::string> uniqueHeaders) {
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    const RawHeader line = headers.line(index);
    const KnownHeader known = knownHeader(line.name);
    if (dropLength && known == KnownHeader::contentLength) continue;
    const bool isCookie = joinCookies && known == KnownHeader::cookie;
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

SLUICE_DECL std::string keepAliveLine(std::chrono::milliseconds timeout, std::size_t maxRequests) {
  if (timeout.count() <= 0) return {};
  std::string line = "Keep-Alive: timeout=" + std::to_string(timeout.count() / 1000);
  if (maxRequests != 0 && maxRequests != unlimited) line += ", max=" + std::to_string(maxRequests);
  return line + "\r\n";
}

inline void appendStatusLine(ByteBuffer& out, int code,
                             const std::optional<std::string_view>& reason) {
  if (const std::string_view known = statusLines[code]; !reason && !known.empty()) {
    out.append(known);
    return;
  }
  out.append("HTTP/1.1 ");
  out.appendNumber(static_cast<std::uint64_t>(code));
  out.append(' ');
  out.append(reason.value_or("unknown"));
  out.append("\r\n");
}

SLUICE_DECL bool hasBody(const ResponseHead& head) {
  // RFC 9112 §6.3 (1)
  return !head.isHead && head.statusCode != 204 && head.statusCode != 304;
}

SLUICE_DECL HeadFraming composeResponseHead(ByteBuffer& out, const ResponseHead& head) {
  // 1xx come before the response; 101 belongs to the one that answers an upgrade on the socket.
  if (head.statusCode < 200 || head.statusCode > 999) {
    throw Error(errc::ERR_HTTP_INVALID_STATUS_CODE,
                "Invalid status code: " + std::to_string(head.statusCode));
  }
  if (head.reason && !isHeaderText(*head.reason)) {
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
  HeadFacts facts;
  if (direct != nullptr) {
    facts = factsOf(*direct);
  } else if (!head.headers.empty()) {
    facts = factsOf(head.headers);
  }
  const auto removed = [&](KnownHeader header) {
    return !facts.has(header) && head.headers.removed(header);
  };

  HeadFraming framing;
  framing.bodyAllowed = hasBody(head);
  // A client of 204 and 304 does not look for chunks; one that did would wait for the last.
  const bool withheld = facts.chunked() && (head.statusCode == 204 || head.statusCode == 304);
  const bool mayChunk = !head.http10 || head.acceptsChunked;
  bool addLength = false;
  bool addChunked = false;
  if (!framing.bodyAllowed) {
    framing.mode = BodyMode::none;
  } else if (facts.has(KnownHeader::transferEncoding)) {
    framing.mode = facts.chunked() ? BodyMode::chunked : BodyMode::untilClose;
  } else if (facts.has(KnownHeader::contentLength)) {
    framing.mode = BodyMode::sized;
    framing.contentLength = facts.length;
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
  const bool saysChunked = addChunked || (facts.chunked() && !withheld);
  if (facts.has(KnownHeader::trailer) && !saysChunked) throw Error(errc::ERR_HTTP_TRAILER_INVALID);

  const bool mayStay = head.requestKeepAlive && head.shouldKeepAlive && !head.forceClose &&
                       !withheld && framing.mode != BodyMode::untilClose;
  const bool addConnection =
      !facts.has(KnownHeader::connection) && !removed(KnownHeader::connection);
  const bool saysKeepAlive = addConnection && mayStay && !head.lastRequest &&
                             (facts.has(KnownHeader::contentLength) || mayChunk);
  if (addConnection) {
    framing.keepAlive = saysKeepAlive;
  } else if (facts.has(KnownHeader::connection)) {
    framing.keepAlive = !facts.closes && !head.forceClose && !head.lastRequest &&
                        framing.mode != BodyMode::untilClose;
  } else {
    framing.keepAlive = mayStay && !head.lastRequest;
  }

  static_cast<void>(out.prepare(256));
  appendStatusLine(out, head.statusCode, head.reason);
  if (direct != nullptr) {
    appendHeaders(out, *direct, true, facts.dropsLength(), head.uniqueHeaders);
  } else if (!head.headers.empty()) {
    appendHeaders(out, head.headers, facts.dropsLength(), head.uniqueHeaders);
  }
  if (!facts.has(KnownHeader::date) && !removed(KnownHeader::date)) out.append(head.dateLine);
  if (saysKeepAlive) {
    out.append("Connection: keep-alive\r\n");
    if (!facts.has(KnownHeader::keepAlive)) out.append(head.keepAliveLine);
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
    // RFC 9112 §6.3 (4): a server could not tell where such a request ends.
    if (!facts.chunked()) {
      throwUnusable(KnownHeader::transferEncoding, head.headers.text("Transfer-Encoding"));
    }
    framing.mode = BodyMode::chunked;
  } else if (facts.has(KnownHeader::contentLength)) {
    framing.mode = BodyMode::sized;
    framing.contentLength = facts.length;
  } else if (head.method == "CONNECT") {
    // RFC 9110 §9.3.6: what follows is not a body. It belongs to the tunnel, and waits for it.
    framing.mode = BodyMode::untilClose;
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
  framing.keepAlive = hasConnection ? !facts.closes : head.shouldKeepAlive;

  out.append(head.method);
  out.append(' ');
  out.append(head.path);
  out.append(" HTTP/1.1\r\n");
  appendHeaders(out, head.headers, facts.dropsLength(), head.uniqueHeaders);
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
    // RFC 9110 §6.5.1
    if (const Fault fault = trailerFault(knownHeader(line.name))) {
      throw Error(errc::ERR_HTTP_TRAILER_INVALID, std::string(fault.reason));
    }
  }
}

SLUICE_DECL void appendLastChunk(ByteBuffer& out, const Headers* trailers,
                                 std::span<const std::string> uniqueHeaders) {
  if (trailers != nullptr) validateTrailers(*trailers);
  out.append("0\r\n");
  if (trailers != nullptr) appendHeaders(out, *trailers, false, false, uniqueHeaders);
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
  if (status < 100 || status > 199) {
    sluice::detail::throwOutOfRange("statusCode", ">= 100 && <= 199", status);
  }
  if (status < 102) {
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
