// SPDX-License-Identifier: BSL-1.0
//
// HTTP/1.1 as a person reads it: all bytes are there at once, and what is not plainly right is not
// read. Fuzzers compare with it what the library has understood, and what it has sent.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace naive {

inline constexpr std::string_view blankLine = "\r\n\r\n";

struct Message {
  // Of a request: method, target and version. Of a response: version, status and reason.
  std::string first[3];
  // In the order of their lines, with the names as they were sent.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::size_t begin = 0;
  std::size_t headEnd = 0;
  std::size_t end = 0;
  bool whole = false;
  // What follows is no HTTP.
  bool tunnel = false;

  // In small letters: the names that are asked for are written in them, and so are most others.
  std::string field(std::string_view name) const {
    for (const auto& [each, value] : fields) {
      std::string small = each;
      for (char& letter : small) letter = static_cast<char>(std::tolower(letter));
      if (small == name) return value;
    }
    return {};
  }
  int status() const { return std::atoi(first[1].c_str()); }
};

struct Reading {
  std::vector<Message> messages;
  // Empty, or what stands where a message should begin.
  std::string wrong;
};

// false: its lines are not those of a head.
inline bool readHead(std::string_view head, Message& message) {
  std::size_t line = head.find("\r\n");
  std::string_view first = head.substr(0, line);
  for (int part = 0; part != 3; ++part) {
    const std::size_t blank = part == 2 ? first.size() : first.find(' ');
    // A response may leave the reason out.
    if (blank == std::string_view::npos) return part == 1 && !first.empty();
    message.first[part] = first.substr(0, blank);
    first.remove_prefix(blank + (part == 2 ? 0 : 1));
  }
  while (line + 2 < head.size()) {
    head.remove_prefix(line + 2);
    line = head.find("\r\n");
    const std::string_view field = head.substr(0, line);
    // A blank after the colon is usual, and one before it is wrong.
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos || field.find(' ') < colon) return false;
    const std::size_t value = field.find_first_not_of(' ', colon + 1);
    message.fields.emplace_back(field.substr(0, colon),
                                field.substr(std::min(value, field.size())));
  }
  return true;
}

// Sets the body and, if the last chunk is there, the end. false: it is not made of chunks.
inline bool readChunks(std::string_view bytes, Message& message) {
  std::size_t at = message.headEnd;
  while (true) {
    const std::size_t line = bytes.find("\r\n", at);
    if (line == std::string_view::npos) return true;
    char* digitsEnd = nullptr;
    const std::string digits(bytes.substr(at, line - at));
    const std::size_t size = std::strtoul(digits.c_str(), &digitsEnd, 16);
    if (digits.empty() || *digitsEnd != '\0') return false;
    if (size == 0) {
      // Trailers end as a head does.
      const std::size_t end = bytes.find(blankLine, line);
      if (end != std::string_view::npos) message.whole = true, message.end = end + 4;
      return true;
    }
    message.body += bytes.substr(line + 2, size);
    at = line + 2 + size + 2;
    if (at > bytes.size()) return true;
    if (bytes.substr(at - 2, 2) != "\r\n") return false;
  }
}

// How the body is framed, by RFC 9112 6.3.
enum class Framing { none, length, chunks, toTheEnd };

inline bool readBody(std::string_view bytes, Framing framing, bool ended, Message& message) {
  switch (framing) {
    case Framing::none:
      message.end = message.headEnd;
      message.whole = true;
      return true;
    case Framing::chunks:
      return readChunks(bytes, message);
    case Framing::length: {
      const std::size_t length = std::strtoul(message.field("content-length").c_str(), nullptr, 10);
      message.body = bytes.substr(message.headEnd, length);
      message.whole = message.body.size() == length;
      message.end = message.headEnd + length;
      return true;
    }
    case Framing::toTheEnd:
      message.body = bytes.substr(message.headEnd);
      message.whole = ended;
      message.end = bytes.size();
      return true;
  }
  return false;
}

// `framing(message)` is asked once the head is read, and may say that a tunnel follows.
template <class FramingOf>
Reading read(std::string_view bytes, bool ended, FramingOf framing) {
  Reading reading;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t head = bytes.find(blankLine, at);
    if (head == std::string_view::npos) break;
    Message message;
    message.begin = at;
    message.headEnd = head + 4;
    const bool begins = readHead(bytes.substr(at, head + 2 - at), message);
    const bool goesOn = begins && readBody(bytes, framing(message), ended, message);
    if (!goesOn) reading.wrong = bytes.substr(at, 80);
    if (begins) reading.messages.push_back(std::move(message));
    if (!goesOn || !reading.messages.back().whole || reading.messages.back().tunnel) break;
    at = reading.messages.back().end;
  }
  return reading;
}

inline Framing framingOf(const Message& message, Framing otherwise) {
  if (message.field("transfer-encoding") == "chunked") return Framing::chunks;
  return message.field("content-length").empty() ? otherwise : Framing::length;
}

// `switches` says of a request that its connection becomes a tunnel, if it is accepted.
template <class Switches>
Reading requests(std::string_view bytes, Switches switches) {
  return read(bytes, false, [&](Message& message) {
    message.tunnel = switches(message);
    return framingOf(message, Framing::none);
  });
}

// `methods` are those of the requests, in their order; a response without a request is read as that
// of a GET. Those of 1xx are among the messages.
inline Reading responses(std::string_view bytes, bool ended,
                         const std::vector<std::string>& methods) {
  std::size_t answered = 0;
  return read(bytes, ended, [&](Message& message) {
    const int status = message.status();
    if (status / 100 == 1 && status != 101) return Framing::none;
    const std::string method = answered < methods.size() ? methods[answered] : "GET";
    ++answered;
    message.tunnel = status == 101 || (method == "CONNECT" && status / 100 == 2);
    if (message.tunnel || method == "HEAD" || status == 204 || status == 304) return Framing::none;
    return framingOf(message, Framing::toTheEnd);
  });
}

}  // namespace naive
