// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/access_log.hpp>.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iterator>
#include <sluice/detail/ascii.hpp>
#include <sluice/http/detail/wire/date.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/web/app/access_log.hpp>
#include <sluice/web/app/detail/ending.hpp>
#include <sluice/web/app/detail/error_answer.hpp>
#include <sluice/web/app/detail/header_line.hpp>
#include <sluice/web/app/detail/line_writer.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/request_id.hpp>
#include <sluice/web/app/response.hpp>
#include <sluice/web/app/trace_context.hpp>
#include <span>
#include <string>
#include <utility>

namespace sluice::app {

namespace detail {

struct LogEntry {
  std::chrono::steady_clock::time_point start;
  std::uint64_t bytesBefore;
  std::string ip;
};

/// What is known when the request has ended.
struct LogEnd {
  std::chrono::steady_clock::duration took;
  std::uint64_t bytes;
};

inline void writeToStandardOutput(std::string_view lines) {
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  std::fflush(stdout);
}

using sluice::detail::ByteSet;
// What ends neither the quotes nor the line.
inline constexpr ByteSet plainInLog = ByteSet::range(0x20, 0x21) | ByteSet::range(0x23, 0x5B) |
                                      ByteSet::range(0x5D, 0x7E) | ByteSet::range(0x80, 0xFF);

/// Writes any other byte as four characters, and returns their end.
inline char* escapeForLog(char* out, char letter) {
  constexpr const char* digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(letter);
  const char text[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
  std::memcpy(out, text, sizeof text);
  return out + sizeof text;
}

template <class Number>
void appendNumberForLog(std::string& out, Number number) {
  char text[24];
  out.append(text, std::to_chars(text, std::end(text), number).ptr);
}

// "06/Nov/1994:08:49:37 +0000", with the month in English whatever the program's language is.
inline std::string combinedTime(std::chrono::system_clock::time_point time) {
  const std::string date = http::formatDate(time);  // Sun, 06 Nov 1994 08:49:37 GMT
  return date.substr(5, 2) + '/' + date.substr(8, 3) + '/' + date.substr(12, 4) + ':' +
         date.substr(17, 8) + " +0000";
}

inline std::string jsonTime(std::chrono::system_clock::time_point time) {
  const std::tm parts = http::detail::utcParts(time);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// The time of day as a text. Many lines have the same second, and for those no clock is asked.
class LogTime {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Format = std::string (*)(std::chrono::system_clock::time_point);

  explicit LogTime(Format format) : format_(format) {}

  std::string_view text(Steady time, const net::detail::Clock& clock) {
    if (&clock != clock_ || time < begin_ || time >= begin_ + std::chrono::seconds(1)) {
      read(time, clock);
    }
    return text_;
  }

 private:
  void read(Steady time, const net::detail::Clock& clock) {
    using std::chrono::system_clock;
    const auto ago = std::chrono::duration_cast<system_clock::duration>(clock.now() - time);
    const auto wall = clock.wallTime() - ago;
    const auto second = std::chrono::floor<std::chrono::seconds>(wall);
    text_ = format_(second);
    begin_ = time - std::chrono::duration_cast<Steady::duration>(wall - second);
    clock_ = &clock;
  }

  Format format_;
  const net::detail::Clock* clock_ = nullptr;
  Steady begin_{};  // of the second that the text is of
  std::string text_;
};

inline const net::detail::Clock& clockOf(const Request& req) {
  return net::detail::SocketAccess::core(req.socket())->loop().clock();
}

inline int statusForLog(const Response& res) { return res.headersSent() ? res.statusCode : 499; }

/// In milliseconds, with three digits after the point.
struct LogDuration {
  explicit LogDuration(std::chrono::steady_clock::duration took) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    whole = micros / 1000;
    const auto rest = micros % 1000;
    digits[0] = '.';
    digits[1] = static_cast<char>('0' + rest / 100);
    digits[2] = static_cast<char>('0' + rest / 10 % 10);
    digits[3] = static_cast<char>('0' + rest % 10);
  }

  std::int64_t whole;
  char digits[4];
};

/// The end of a text for which there is room already.
class LogCursor {
 public:
  explicit LogCursor(char* at) : at_(at) {}

  char* at() const { return at_; }
  void text(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  template <class Number>
  void number(Number number) {
    at_ = std::to_chars(at_, at_ + 24, number).ptr;
  }
  void escaped(std::string_view bytes) {
    while (true) {
      const auto end = std::find_if_not(bytes.begin(), bytes.end(),
                                        [](char letter) { return plainInLog.has(letter); });
      const auto plain = static_cast<std::size_t>(end - bytes.begin());
      text(bytes.substr(0, plain));
      if (plain == bytes.size()) return;
      at_ = escapeForLog(at_, bytes[plain]);
      bytes.remove_prefix(plain + 1);
    }
  }
  void orDash(std::string_view text) {
    if (text.empty()) {
      *at_++ = '-';
    } else {
      escaped(text);
    }
  }

 private:
  char* at_;
};

// `room` grows with the longest line; what is returned is a view of it.
inline std::string_view combinedLine(std::string& room, const LogEntry& entry, const LogEnd& end,
                                     const Request& req, const Response& res) {
  thread_local LogTime time(&combinedTime);
  const std::span<const http::RawHeader> headers = req.rawHeaders();
  const std::string_view referer = headerLine(headers, "referer");
  const std::string_view agent = headerLine(headers, "user-agent");
  const std::string_view method = req.method();
  const std::string_view url = req.url();
  // A trusted proxy may name anything as the address.
  const std::size_t escaped =
      entry.ip.size() + method.size() + url.size() + referer.size() + agent.size();
  if (room.size() < 4 * escaped + 256) room.resize(4 * escaped + 256);
  LogCursor out(room.data());
  out.orDash(entry.ip);
  out.text(" - - [");
  out.text(time.text(entry.start, clockOf(req)));
  out.text("] \"");
  out.escaped(method);
  out.text(" ");
  out.escaped(url);
  out.text(" HTTP/");
  out.text(req.httpVersion());
  out.text("\" ");
  out.number(statusForLog(res));
  out.text(" ");
  out.number(end.bytes);
  out.text(" \"");
  out.orDash(referer);
  out.text("\" \"");
  out.orDash(agent);
  out.text("\" ");
  const LogDuration took(end.took);
  out.number(took.whole);
  out.text({took.digits, sizeof took.digits});
  return {room.data(), out.at()};
}

inline std::string_view jsonLine(std::string& line, const LogEntry& entry, const LogEnd& end,
                                 Request& req, const Response& res) {
  thread_local LogTime time(&jsonTime);
  line.clear();
  line.append("{\"time\":\"").append(time.text(entry.start, clockOf(req))).append("\"");
  const auto add = [&line](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    line.append(",\"").append(name).append("\":").append(jsonString(value));
  };
  add("ip", entry.ip);
  add("method", req.method());
  add("url", req.url());
  add("route", req.route());
  line += ",\"status\":";
  appendNumberForLog(line, statusForLog(res));
  line += ",\"bytes\":";
  appendNumberForLog(line, end.bytes);
  line += ",\"ms\":";
  const LogDuration took(end.took);
  appendNumberForLog(line, took.whole);
  line.append(took.digits, sizeof took.digits);
  add("referer", headerLine(req.rawHeaders(), "referer"));
  add("userAgent", headerLine(req.rawHeaders(), "user-agent"));
  add("requestId", req.locals<RequestId>().value);
  add("traceId", req.locals<Trace>().traceId);
  add("spanId", req.locals<Trace>().spanId);
  return line += '}';
}

}  // namespace detail

struct AccessLog::State {
  LogFormat format;
  std::function<bool(const Request&, const Response&)> filter;
  std::unique_ptr<detail::LineWriter> writer;

  void write(const detail::LogEntry& entry, Request& req, Response& res) const;
};

namespace detail {

template <class State>
class LogEnding final : public Ending {
 public:
  LogEnding(std::shared_ptr<const State> state, LogEntry&& entry)
      : state_(std::move(state)), entry_(std::move(entry)) {}

  void ended(Request& req, Response& res) override { state_->write(entry_, req, res); }

 private:
  std::shared_ptr<const State> state_;
  LogEntry entry_;
};

}  // namespace detail

SLUICE_DECL AccessLog::AccessLog(LogOptions options) {
  if (!options.write) options.write = detail::writeToStandardOutput;
  auto writer = std::make_unique<detail::LineWriter>(std::move(options.write), options.buffer);
  state_ =
      std::make_shared<State>(State{options.format, std::move(options.filter), std::move(writer)});
}

SLUICE_DECL void AccessLog::State::write(const detail::LogEntry& entry, Request& req,
                                         Response& res) const {
  if (filter && !filter(req, res)) return;
  const detail::LogEnd end{detail::clockOf(req).now() - entry.start,
                           req.socket().bytesWritten() - entry.bytesBefore};
  thread_local std::string room;
  writer->push(format == LogFormat::json ? detail::jsonLine(room, entry, end, req, res)
                                         : detail::combinedLine(room, entry, end, req, res));
}

SLUICE_DECL task<> AccessLog::operator()(Request& req, Response&, Next next) const {
  // The time of the turn in which the request was read, which others have asked for already.
  detail::LogEntry entry{net::detail::SocketAccess::core(req.socket())->loop().now(),
                         req.socket().bytesWritten(), req.ip()};
  detail::RequestAccess::routing(req).atEnd(
      std::make_unique<detail::LogEnding<State>>(state_, std::move(entry)));
  return next();
}

}  // namespace sluice::app
