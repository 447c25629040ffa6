// SPDX-License-Identifier: BSL-1.0
//
// The inside of a Server: its options, its listeners, and the list of its connections. It lives as
// long as one of them does.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <sluice/detail/list.hpp>
#include <sluice/detail/listeners.hpp>
#include <sluice/http/detail/wire/date.hpp>
#include <sluice/http/server.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/server_core.hpp>
#include <sluice/net/detail/transport.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::detail {

class ServerConnection;
class ServerExchange;

class ServerState : public boost::intrusive_ref_counter<ServerState, boost::thread_unsafe_counter>,
                    private net::detail::ServerCore::User {
 public:
  /// A connection whose requests come less than this apart stays awake between them, and so often
  /// it is looked which of those have become idle. One that rests costs a tenth of one that waits;
  /// to wake up costs as much as a request.
  static constexpr std::chrono::milliseconds restInterval{1000};

  // Which requests there will be.
  //
  //   serves ──► closing ──► shutsDown     each connection answers what it has received; of
  //     ▲           │            │         shutdown() an upgraded socket hears as well
  //     └───────────┴────────────┘         listen()
  enum class Phase : std::uint8_t { serves, closing, shutsDown };

  ServerState(asio::any_io_executor executor, ServerOptions options);
  SLUICE_DECL virtual ~ServerState();

  /// The handle moved there.
  void useSettings(const ServerSettings* settings) { settings_ = settings; }
  /// The handle is gone: everything ends.
  void detach();

  const ServerSettings& settings() const { return *settings_; }
  const ServerOptions& options() const { return options_; }
  net::detail::Loop& loop() const { return core_->loop(); }
  net::detail::ServerCore& core() { return *core_; }
  sluice::detail::Listeners& listeners() { return listeners_; }

  void listen(const ListenOptions& options, std::function<void()> onListening);
  void close(std::function<void(error_code)> onClosed);
  /// The task has a share of it: the server may go before the task begins.
  static task<> shutdown(boost::intrusive_ptr<ServerState> self, std::chrono::milliseconds grace);
  bool closing() const { return phase_ != Phase::serves; }
  /// shutdown() has begun: an upgraded socket emits "shutdown".
  bool shutsDown() const { return phase_ == Phase::shutsDown; }
  void serve(net::Socket socket);
  void closeAll();
  void closeIdle();
  std::size_t connections() const override { return count_; }
  void remove(ServerConnection& connection);

  template <fixed_string Name>
  auto handler() const {
    return sluice::detail::handler<ServerEvents, Name>(listeners_);
  }
  template <fixed_string Name, class... Args>
  bool emit(Args&&... args) {
    return sluice::detail::emit<ServerEvents, Name>(listeners_, std::forward<Args>(args)...);
  }
  template <fixed_string Name>
  bool has() const {
    return sluice::detail::has<ServerEvents, Name>(listeners_);
  }

  /// For a connection that wakes up; it gives it back.
  std::unique_ptr<ServerExchange> takeExchange();
  void giveBack(std::unique_ptr<ServerExchange> exchange);
  /// A connection begins to wait for its next request, and may rest after a while.
  void restLater() {
    if (!resting_.running()) startResting();
  }

  /// There is none left: what is kept for later goes.
  void giveUpMemory();

  /// Emits "error" with what a handler or a listener has thrown. If nobody listens it is one line
  /// on stderr.
  void report(const Error& thrown);
  /// Observers are told of it.
  void tellFailure(const Error& error);

  /// The Date line of this second.
  std::string_view dateLine();
  /// The Keep-Alive line for the settings as they are.
  std::string_view keepAliveLine();

  /// Where the objects of the next request come from.
  const std::shared_ptr<MessagePool>& messages() const { return messages_; }
  void useMessages(MessagePoolFactory factory) { messages_ = factory(loop()); }

  /// Connections have to be made safe before their first request.
  virtual bool secures() const { return false; }
  /// Does so. If it fails the socket is destroyed when it resumes.
  virtual task<> secure(net::Socket&) { co_return; }

 private:
  SLUICE_DECL void onConnection(boost::intrusive_ptr<net::detail::Transport>) override;
  std::size_t maxConnections() const override { return settings_->maxConnections; }
  std::chrono::milliseconds headerTimeout() const override { return settings_->headersTimeout; }
  bool hasErrorListener() const override { return has<"error">(); }
  void onListening() override { emit<"listening">(); }
  void onError(const Error& error) override { emit<"error">(error); }
  void onDrop(const net::DropInfo& info) override { emit<"drop">(info); }
  SLUICE_DECL void onDrain(std::chrono::milliseconds grace) override;
  void onClose() override { emit<"close">(); }
  // close() after shutdown() changes nothing.
  void become(Phase next) {
    if (next == Phase::serves || next > phase_) phase_ = next;
  }
  void tellUpgraded();
  void graceIsOver();
  void startChecking();
  void check();
  void startResting();
  void restIdle();
  template <class Condition>
  std::vector<boost::intrusive_ptr<ServerConnection>> chosen(Condition condition) const;

  ServerOptions options_;
  ServerSettings own_;
  const ServerSettings* settings_;
  sluice::detail::Listeners listeners_;
  boost::intrusive_ptr<net::detail::ServerCore> core_;
  std::shared_ptr<MessagePool> messages_;
  sluice::detail::List<ServerConnection> connections_;
  std::size_t count_ = 0;
  net::detail::TimerEntry checking_;
  net::detail::TimerEntry grace_;
  // Fires while a connection is awake that waits for its next request.
  net::detail::TimerEntry resting_;
  std::vector<std::unique_ptr<ServerExchange>> spares_;
  // Those that connections have: of the ones that rest nobody needs to think.
  sluice::detail::List<ServerExchange> awake_;
  DateLine date_;
  std::string keepAliveLine_;
  // The settings that the line tells of.
  std::chrono::milliseconds toldTimeout_{};
  std::size_t toldMost_ = 0;
  Phase phase_ = Phase::serves;
};

}  // namespace sluice::http::detail
