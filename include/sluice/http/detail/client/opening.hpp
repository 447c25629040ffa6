// SPDX-License-Identifier: BSL-1.0
//
// The attempt to open one connection: from the request that asks for it to a socket, or to the
// reason why there is none. It ends before its coroutine does if nobody wants the connection.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <exception>
#include <sluice/error.hpp>
#include <sluice/http/detail/client/awaited_opening.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>

namespace sluice::http::detail {

class AgentState;
class WantedRequest;

/// The connection that is being opened.
class OpeningOwner {
 public:
  /// The socket that is to be connected: another one for each attempt.
  virtual boost::intrusive_ptr<net::detail::SocketCore> socketToConnect() = 0;
  virtual void onOpened(net::Socket socket) = 0;
  virtual void onOpeningFailed(const Error& error) = 0;

 protected:
  ~OpeningOwner() = default;
};

class Opening final : public AwaitedOpening, private net::detail::ConnectHook {
 public:
  Opening(boost::intrusive_ptr<AgentState> agent, OpeningOwner& owner);
  SLUICE_DECL ~Opening() override;

  /// Starts the coroutine that opens the connection for `request`.
  void start(const WantedRequest& wanted);
  /// Nobody wants it any more. The coroutine is cancelled, but not from here: the caller may be
  /// inside of it.
  void stop();
  /// The execution context has ended: its coroutine does not run any more.
  void abandon() { owner_ = nullptr; }
  /// Its socket was destroyed. What opens it knows better why it failed, and will say so.
  void socketDestroyed(const error_code& reason);
  /// What a socket that is not open means for the request.
  Error lost() const;

 private:
  struct IsOver;
  struct Cancel;

  void tookTooLong();
  SLUICE_DECL Agent* opener() const override;
  SLUICE_DECL void opened(net::Socket socket, const std::exception_ptr& failure) override;
  SLUICE_DECL boost::intrusive_ptr<net::detail::SocketCore> onConnecting() override;

  boost::intrusive_ptr<AgentState> agent_;
  OpeningOwner* owner_;  // null once it is over
  asio::cancellation_signal signal_;
  net::detail::TimerEntry limit_;
  error_code destroyedWith_;
};

}  // namespace sluice::http::detail
