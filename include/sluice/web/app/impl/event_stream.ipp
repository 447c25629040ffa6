// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/event_stream.hpp> and <sluice/web/app/server_event.hpp>.
#pragma once

#include <sluice/error.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/web/app/detail/events_of_head.hpp>
#include <sluice/web/app/event_stream.hpp>
#include <sluice/web/app/response.hpp>
#include <utility>

namespace sluice::app {

namespace detail {

// One field of an event, a line for each line of the text.
inline void appendEventField(std::string& out, std::string_view name, std::string_view text) {
  while (true) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    out.append(name).append(text.substr(0, end)).append("\n");
    if (end == text.size()) return;
    const bool pair = text.substr(end).starts_with("\r\n");
    text.remove_prefix(end + (pair ? 2U : 1U));
  }
}

inline void requireEventName(std::string_view what, std::string_view text) {
  if (text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos) return;
  throw Error(errc::ERR_INVALID_ARG_VALUE,
              "the " + std::string(what) + " of an event has a line break or NUL");
}

}  // namespace detail

SLUICE_DECL std::string formatEvent(const ServerEvent& event) {
  detail::requireEventName("name", event.event);
  detail::requireEventName("id", event.id);
  if (event.retry.count() < 0) throw Error(errc::ERR_INVALID_ARG_VALUE, "retry is below 0");
  std::string out;
  out.reserve(event.data.size() + event.event.size() + event.id.size() + 32);
  if (!event.id.empty()) detail::appendEventField(out, "id: ", event.id);
  if (!event.event.empty()) detail::appendEventField(out, "event: ", event.event);
  if (event.retry.count() > 0)
    detail::appendEventField(out, "retry: ", std::to_string(event.retry.count()));
  detail::appendEventField(out, "data: ", event.data);
  return out += '\n';
}

SLUICE_DECL EventStream::EventStream(Response& res, const EventStreamOptions& options)
    : res_(&res) {
  const auto set = [&res](std::string_view name, std::string_view value) {
    if (!res.hasHeader(name)) res.setHeader(name, value);
  };
  set("Content-Type", "text/event-stream");
  set("Cache-Control", "no-cache");
  // nginx holds back what a server sends unless it is told.
  set("X-Accel-Buffering", "no");
  res.flushHeaders();
  if (res.req().method() == "HEAD") {
    res.end();
    throw detail::EventsOfHead();
  }
  if (options.keepAlive.count() <= 0) return;
  Response* const kept = &res;
  kept->setTimeout(options.keepAlive, [kept] {
    // Nothing has moved for this long though something waits: nobody reads.
    if (kept->writableLength() > 0) {
      kept->destroy();
    } else {
      kept->write(std::string_view(":\n\n"));
    }
  });
}

SLUICE_DECL WriteResult EventStream::send(const ServerEvent& event) {
  return res_->write(formatEvent(event));
}

SLUICE_DECL WriteResult EventStream::send(std::string_view data) {
  ServerEvent event;
  event.data = data;
  return send(event);
}

SLUICE_DECL WriteResult EventStream::comment(std::string_view text) {
  std::string out;
  detail::appendEventField(out, ": ", text);
  out += '\n';
  return res_->write(std::move(out));
}

SLUICE_DECL std::string_view EventStream::lastEventId() const {
  return res_->req().headers()["last-event-id"];
}

}  // namespace sluice::app
