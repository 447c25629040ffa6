// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/trace_context.hpp>.
#pragma once

#include <sluice/web/app/detail/random_ids.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/trace_context.hpp>

namespace sluice::app {

SLUICE_DECL std::string Trace::header() const {
  return "00-" + traceId + '-' + spanId + (sampled ? "-01" : "-00");
}

// Trace Context §3.2: later versions may append fields, version ff is none.
SLUICE_DECL std::optional<Trace> parseTraceparent(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  if (text.starts_with("ff") || (text.starts_with("00") && text.size() != 55)) return std::nullopt;
  if (text.size() > 55 && text[55] != '-') return std::nullopt;
  const auto isHex = [&](std::string_view part) {
    return part.find_first_not_of(digits) == std::string_view::npos;
  };
  Trace trace;
  trace.traceId = text.substr(3, 32);
  trace.parentId = text.substr(36, 16);
  const std::string_view flags = text.substr(53, 2);
  if (!isHex(text.substr(0, 2)) || !isHex(trace.traceId) || !isHex(trace.parentId) ||
      !isHex(flags)) {
    return std::nullopt;
  }
  if (trace.traceId.find_first_not_of('0') == std::string::npos) return std::nullopt;
  if (trace.parentId.find_first_not_of('0') == std::string::npos) return std::nullopt;
  trace.sampled = digits.find(flags[1]) % 2 == 1;
  return trace;
}

SLUICE_DECL TraceContext::TraceContext() : random_(std::make_shared<detail::RandomIds>()) {}

SLUICE_DECL task<> TraceContext::operator()(Request& req, Response&, Next next) const {
  Trace& trace = req.locals<Trace>();
  if (auto sent = parseTraceparent(req.headers()["traceparent"])) {
    trace = std::move(*sent);
    // Trace Context §3.3.1.5: at least so much is to be passed on.
    const std::string_view state = req.headers()["tracestate"];
    if (state.size() <= 512) trace.state = state;
  } else {
    random_->next(trace.traceId, 32);
  }
  random_->next(trace.spanId, 16);
  return next();
}

}  // namespace sluice::app
