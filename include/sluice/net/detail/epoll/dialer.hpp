// SPDX-License-Identifier: BSL-1.0
//
// One connect() of the kernel, TCP or Unix, and the wait for its end.
#pragma once

#include <sluice/net/detail/dialer.hpp>
#include <sluice/net/detail/epoll/poller.hpp>
#include <sluice/net/detail/epoll/system_socket.hpp>
#include <sluice/net/detail/loop.hpp>

namespace sluice::net::detail {

class EpollDialer final : public Dialer, private Poller::Watched {
 public:
  explicit EpollDialer(Loop& loop) : loop_(loop) {}
  SLUICE_DECL ~EpollDialer() override;

  SLUICE_DECL error_code open(const Place& remote) override;
  SLUICE_DECL error_code bind(const Place& local) override;
  SLUICE_DECL void connect(const Place& remote, Ended ended) override;
  bool pending() const override { return static_cast<bool>(ended_); }

 private:
  SLUICE_DECL void onEvents(std::uint32_t events) override;
  void onLoopEnd() override { ended_ = nullptr; }

  Loop& loop_;
  Poller* poller_ = nullptr;  // while the loop watches the socket
  SystemSocket socket_;
  Ended ended_;
};

}  // namespace sluice::net::detail
