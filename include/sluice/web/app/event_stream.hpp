// SPDX-License-Identifier: BSL-1.0
//
// Server-sent events to one client.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_EVENT_STREAM_HPP
#define SLUICE_WEB_APP_EVENT_STREAM_HPP

#include <chrono>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/server_event.hpp>
#include <sluice/write_result.hpp>
#include <string>
#include <string_view>

namespace sluice::app {

class Response;

struct EventStreamOptions {
  /// A comment is sent after this long without an event, so that proxies keep the connection and a
  /// client that is gone is noticed. 0: none, and the server's idle timeout holds.
  std::chrono::milliseconds keepAlive = std::chrono::seconds(15);
};

/// What Response::events() returns. Lent as the response is.
///
///     auto events = res.events();
///     while (true) {
///       co_await events.send({.event = "tick", .data = "1"});
///       co_await timer.async_wait(asio::use_awaitable);
///     }
class EventStream {
 public:
  /// For Response::events(): sends the head.
  EventStream(Response& res, const EventStreamOptions& options);

  /// Sends an event. Awaiting it waits until the client has room.
  WriteResult send(const ServerEvent& event);
  /// An event with nothing but data.
  WriteResult send(std::string_view data);
  /// What browsers ignore.
  WriteResult comment(std::string_view text);

  /// The id of the last event that the client has seen before it reconnected; "" at first.
  std::string_view lastEventId() const;
  Response& response() const { return *res_; }

 private:
  Response* res_;
};

}  // namespace sluice::app

#endif
