// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/access_log.hpp>.
#pragma once

#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <sluice/http/detail/wire/date.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/web/app/access_log.hpp>
#include <sluice/web/app/detail/error_answer.hpp>
#include <sluice/web/app/detail/line_writer.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/request_id.hpp>
#include <sluice/web/app/response.hpp>
#include <sluice/web/app/trace_context.hpp>
#include <string>
#include <utility>

namespace sluice::app {

namespace detail {

struct LogEntry {
  std::chrono::system_clock::time_point time;
  std::chrono::steady_clock::time_point start;
  std::uint64_t bytesBefore;
  std::string ip;
};

inline void writeToStandardOutput(std::string_view lines) {
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  std::fflush(stdout);
}

// Nothing in it ends the quotes or the line.
inline void appendEscapedForLog(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte == 0x7F || letter == '"' || letter == '\\') {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += letter;
    }
  }
}

inline void appendQuotedForLog(std::string& out, std::string_view text) {
  out += '"';
  if (text.empty()) out += '-';
  appendEscapedForLog(out, text);
  out += '"';
}

template <class Number>
void appendNumberForLog(std::string& out, Number number) {
  char text[24];
  out.append(text, std::to_chars(text, std::end(text), number).ptr);
}

/// The time in a format of strftime(). Many lines have the same second.
class LogTime {
 public:
  explicit LogTime(const char* format) : format_(format) {}

  std::string_view text(std::chrono::system_clock::time_point time) {
    const std::time_t second = std::chrono::system_clock::to_time_t(time);
    if (size_ == 0 || second != second_) {
      const std::tm parts = http::detail::utcParts(time);
      size_ = std::strftime(text_, sizeof text_, format_, &parts);
      second_ = second;
    }
    return {text_, size_};
  }

 private:
  const char* format_;
  std::time_t second_ = 0;
  std::size_t size_ = 0;
  char text_[64];
};

inline int statusForLog(const Response& res) { return res.headersSent() ? res.statusCode : 499; }

// In milliseconds, with three digits after the point.
inline void appendDurationForLog(std::string& line, const LogEntry& entry) {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - entry.start);
  appendNumberForLog(line, took.count() / 1000);
  const auto rest = took.count() % 1000;
  line += '.';
  line += static_cast<char>('0' + rest / 100);
  line += static_cast<char>('0' + rest / 10 % 10);
  line += static_cast<char>('0' + rest % 10);
}

inline std::string combinedLine(const LogEntry& entry, const Request& req, const Response& res,
                                std::uint64_t bytes) {
  thread_local LogTime time("%d/%b/%Y:%H:%M:%S +0000");
  std::string line;
  line.reserve(256);
  line.append(entry.ip.empty() ? std::string_view("-") : entry.ip).append(" - - [");
  line.append(time.text(entry.time)).append("] \"");
  appendEscapedForLog(line, req.method());
  line += ' ';
  appendEscapedForLog(line, req.url());
  line.append(" HTTP/").append(req.httpVersion()).append("\" ");
  appendNumberForLog(line, statusForLog(res));
  line += ' ';
  appendNumberForLog(line, bytes);
  line += ' ';
  appendQuotedForLog(line, req.headers()["referer"]);
  line += ' ';
  appendQuotedForLog(line, req.headers()["user-agent"]);
  line += ' ';
  appendDurationForLog(line, entry);
  return line;
}

inline std::string jsonLine(const LogEntry& entry, Request& req, const Response& res,
                            std::uint64_t bytes) {
  thread_local LogTime time("%Y-%m-%dT%H:%M:%SZ");
  std::string line;
  line.reserve(512);
  line.append("{\"time\":\"").append(time.text(entry.time)).append("\"");
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
  appendNumberForLog(line, bytes);
  line += ",\"ms\":";
  appendDurationForLog(line, entry);
  add("referer", req.headers()["referer"]);
  add("userAgent", req.headers()["user-agent"]);
  add("requestId", req.locals<RequestId>().value);
  add("traceId", req.locals<Trace>().traceId);
  add("spanId", req.locals<Trace>().spanId);
  return line += '}';
}

}  // namespace detail

struct AccessLog::State {
  LogFormat format;
  std::function<bool(const Request&, const Response&)> filter;
  std::shared_ptr<detail::LineWriter> writer;
};

SLUICE_DECL AccessLog::AccessLog(LogOptions options) {
  if (!options.write) options.write = detail::writeToStandardOutput;
  auto writer = std::make_shared<detail::LineWriter>(std::move(options.write), options.buffer);
  state_ =
      std::make_shared<State>(State{options.format, std::move(options.filter), std::move(writer)});
}

SLUICE_DECL task<> AccessLog::operator()(Request& req, Response& res, Next next) const {
  detail::LogEntry entry{std::chrono::system_clock::now(), std::chrono::steady_clock::now(),
                         req.socket().bytesWritten(), req.ip()};
  // Both messages live until "close" was told.
  res.on<"close">([state = state_, entry = std::move(entry), &req, &res] {
    if (state->filter && !state->filter(req, res)) return;
    const std::uint64_t bytes = req.socket().bytesWritten() - entry.bytesBefore;
    std::string line;
    if (state->format == LogFormat::json) {
      line = detail::jsonLine(entry, req, res, bytes);
    } else {
      line = detail::combinedLine(entry, req, res, bytes);
    }
    state->writer->push(line);
  });
  return next();
}

}  // namespace sluice::app
