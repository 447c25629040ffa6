// SPDX-License-Identifier: BSL-1.0
//
// What every server has: listen(), close(), address(), the limit of connections, and when
// "listening", "error", "drop" and "close" are due. It knows neither sockets nor requests: its user
// counts the connections and emits the events.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <sluice/detail/completion.hpp>
#include <sluice/error.hpp>
#include <sluice/net/address.hpp>
#include <sluice/net/detail/cluster_member.hpp>
#include <sluice/net/detail/listener.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/proxy_gate.hpp>
#include <sluice/net/drop_info.hpp>
#include <sluice/net/listen_options.hpp>
#include <sluice/task.hpp>
#include <vector>

namespace sluice::net::detail {

class ServerCore final
    : public boost::intrusive_ref_counter<ServerCore, boost::thread_unsafe_counter>,
      private Listener::User,
      private ProxyGate::User,
      private LoopMember {
 public:
  /// Every call may destroy the user, which detaches itself then.
  class User {
   public:
    /// A connection within the limit.
    virtual void onConnection(boost::intrusive_ptr<Transport>) = 0;
    virtual std::size_t connections() const = 0;
    /// More than this many are dropped; 0 or the largest value: no limit.
    virtual std::size_t maxConnections() const = 0;
    /// How long the PROXY header of a connection may take; 0: no limit.
    virtual std::chrono::milliseconds headerTimeout() const = 0;

    virtual bool hasErrorListener() const = 0;
    virtual void onListening() = 0;
    virtual void onError(const http::Error&) = 0;
    virtual void onDrop(const DropInfo&) = 0;
    /// The process ends: close(), and no later than `grace` every connection.
    virtual void onDrain(std::chrono::milliseconds grace) = 0;
    /// It does not listen and no connection is left. Comes before the callbacks of close().
    virtual void onClose() = 0;

   protected:
    ~User() = default;
  };

  // idle → listening → closing → idle. Listening again is possible while it is closing.
  enum class State { idle, listening, closing };

  ServerCore(asio::any_io_executor executor, User& user);

  Loop& loop() const { return *loop_; }

  /// Binds at once and has onListening() called later. false: it failed, and onError() will say so.
  ///
  /// throws  ERR_SERVER_ALREADY_LISTEN and ERR_INVALID_ARG_VALUE; what else fails only if nobody
  ///         listens for "error"
  bool listen(const ListenOptions& options);
  bool listening() const { return state_ == State::listening; }
  /// Empty if it does not listen.
  Address address() const { return listener_ ? listener_->address() : Address{}; }

  /// No new connections. `callback` is called after onClose(), with ERR_SERVER_NOT_RUNNING if it
  /// was not listening.
  void close(std::function<void(error_code)> callback);
  /// Resumes when it is idle, at once if it is already. The task has a share of it.
  ///
  /// throws  operation_aborted if the user goes first
  /// cancel  total
  static task<> closed(boost::intrusive_ptr<ServerCore> self);
  /// For a cluster: ends in good order.
  void drain(std::chrono::milliseconds grace) {
    if (user_ != nullptr && listening()) user_->onDrain(grace);
  }
  /// A connection is gone.
  void connectionEnded() { closeIfDone(); }

  /// The user is gone: nothing is called any more, the callbacks of close() neither.
  void detach();

 private:
  ServerCore(std::shared_ptr<Loop> loop, User& user);

  using CloseHandler = sluice::detail::Completion<void(error_code)>;
  struct Waiter {
    std::uint64_t id;
    CloseHandler handler;
  };

  SLUICE_DECL void onLoopEnd() override;
  SLUICE_DECL void onAccept(boost::intrusive_ptr<Transport>) override;
  SLUICE_DECL void onAcceptError(const http::Error&) override;
  SLUICE_DECL void onHeader(boost::intrusive_ptr<Transport>) override;
  SLUICE_DECL void onNoHeader(const Transport&, const error_code&) override;
  bool full() const;
  void drop(const Transport& transport, const error_code& reason);
  void tellFailure(const http::Error& error);
  void stopListening();
  void closeIfDone();
  void closeNow();
  void startWait(CloseHandler handler);
  void settleAll(const error_code& ec);

  std::shared_ptr<Loop> loop_;
  User* user_;
  boost::intrusive_ptr<Listener> listener_;
  std::unique_ptr<ProxyGate> gate_;  // null without proxyProtocol
  std::vector<std::function<void()>> callbacks_;
  std::vector<Waiter> waiters_;
  ClusterMember::Place place_{*this};
  State state_ = State::idle;
  bool closePosted_ = false;
};

}  // namespace sluice::net::detail
