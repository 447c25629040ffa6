// SPDX-License-Identifier: BSL-1.0
//
// Events for many clients at once.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_CHANNEL_HPP
#define SLUICE_WEB_APP_CHANNEL_HPP

#include <cstddef>
#include <memory>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/event_stream.hpp>
#include <sluice/web/app/server_event.hpp>

namespace sluice::app {

/// What becomes of a listener whose client does not read, and that is further behind than the
/// backlog. drop: its connection is closed, and it comes back by itself. skip: it goes on with the
/// oldest event that is left, as one does that is behind because more was sent at once than is
/// kept.
enum class SlowListener { drop, skip };

struct ChannelOptions {
  /// How many events are kept for those who are behind, or who reconnect with a Last-Event-ID.
  std::size_t backlog = 256;
  /// And how many bytes of them.
  std::size_t backlogBytes = 1024 * 1024;
  SlowListener slow = SlowListener::drop;
};

/// Broadcasts events. An event's bytes are there once, however many listen.
///
///     app::Channel news;
///     router.get("/news", [&](app::Request&, app::Response& res) -> task<> {
///       auto events = res.events();
///       co_await news.join(events);
///     });
///     news.send({.data = "hello"});
///
/// One loop owns it. Destroying it ends every join().
class Channel {
 public:
  explicit Channel(ChannelOptions options = {});
  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  ~Channel();

  /// Sends an event to all who have joined. Never waits.
  ///
  /// throws  as formatEvent() does
  void send(const ServerEvent& event);

  /// Passes events on to a client until it goes away or the channel is closed. A client that names
  /// the last event it has seen gets what it has missed, as far as that is kept: all that is kept
  /// if that event is not.
  ///
  /// cancel  total: the client has left the channel
  task<> join(EventStream& events);

  /// Ends every join(), after what was sent has been passed on.
  void close();
  std::size_t listeners() const;

 private:
  struct Listener;
  struct Membership;
  struct State;
  const std::shared_ptr<State>& state() const;
  static task<> pass(std::shared_ptr<State> state, EventStream& events);

  std::shared_ptr<State> state_;  // shared with those who have joined, who may outlive the channel
};

}  // namespace sluice::app

#endif
