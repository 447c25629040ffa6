// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/access_log.hpp>.
#pragma once

#include <chrono>
#include <cstdio>
#include <ctime>
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

// A text in quotes, in which nothing ends the quotes or the line.
inline std::string quotedForLog(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
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
  if (out.size() == 1) out += '-';
  return out += '"';
}

inline std::string timeForLog(std::chrono::system_clock::time_point time, const char* format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

inline int statusForLog(const Response& res) { return res.headersSent() ? res.statusCode : 499; }

inline std::string durationForLog(const LogEntry& entry) {
  const std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - entry.start;
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", took.count());
  return text;
}

inline std::string combinedLine(const LogEntry& entry, const Request& req, const Response& res,
                                std::uint64_t bytes) {
  std::string line = entry.ip.empty() ? std::string("-") : entry.ip;
  line += " - - [" + timeForLog(entry.time, "%d/%b/%Y:%H:%M:%S +0000") + "] ";
  line += quotedForLog(std::string(req.method()) + ' ' + std::string(req.url()) + " HTTP/" +
                       std::string(req.httpVersion()));
  line += ' ' + std::to_string(statusForLog(res)) + ' ' + std::to_string(bytes) + ' ';
  line += quotedForLog(req.headers()["referer"]) + ' ' + quotedForLog(req.headers()["user-agent"]);
  return line += ' ' + durationForLog(entry);
}

inline std::string jsonLine(const LogEntry& entry, Request& req, const Response& res,
                            std::uint64_t bytes) {
  std::string line = "{\"time\":" + jsonString(timeForLog(entry.time, "%Y-%m-%dT%H:%M:%SZ"));
  const auto add = [&line](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    line.append(",\"").append(name).append("\":").append(jsonString(value));
  };
  add("ip", entry.ip);
  add("method", req.method());
  add("url", req.url());
  add("route", req.route());
  line +=
      ",\"status\":" + std::to_string(statusForLog(res)) + ",\"bytes\":" + std::to_string(bytes);
  line += ",\"ms\":" + durationForLog(entry);
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
