// SPDX-License-Identifier: BSL-1.0
//
// A listening socket of the kernel, TCP or Unix: the accept loop, and what it does while the
// process has no descriptor left.
#pragma once

#include <memory>
#include <sluice/net/detail/epoll/poller.hpp>
#include <sluice/net/detail/epoll/system_socket.hpp>
#include <sluice/net/detail/listener.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_file.hpp>

namespace sluice::net::detail {

class EpollListener final : public Listener, private Poller::Watched {
 public:
  explicit EpollListener(std::shared_ptr<Loop> loop);
  SLUICE_DECL ~EpollListener() override;

  SLUICE_DECL error_code open(const Place& place, const ListenOptions& options) override;
  SLUICE_DECL error_code adopt(int fd, int backlog) override;
  SLUICE_DECL void start(User& user) override;
  bool isOpen() const override { return static_cast<bool>(socket_); }
  SLUICE_DECL Address address() const override;
  SLUICE_DECL void close() override;

 private:
  // A descriptor that is given up to take and close a connection if no other is free.
  class Reserve {
   public:
    Reserve() = default;
    Reserve(const Reserve&) = delete;
    Reserve& operator=(const Reserve&) = delete;
    ~Reserve() { giveUp(); }
    void take();
    bool giveUp();

   private:
    int fd_ = -1;
  };

  error_code openTcp(const SocketAddress& address, const ListenOptions& options);
  error_code openUnix(const std::string& path, int backlog);
  error_code listenOn(SystemSocket socket, int backlog);
  SLUICE_DECL void onEvents(std::uint32_t) override;
  void onLoopEnd() override { close(); }
  void acceptReady();
  error_code acceptOne();
  void acceptFailed(const error_code&);
  void tellOnce(const error_code&);
  void dropWaiting();

  std::shared_ptr<Loop> loop_;
  Poller* poller_ = nullptr;
  SystemSocket socket_;
  User* user_ = nullptr;
  TimerEntry pause_;
  Reserve reserve_;
  SocketFile file_;
  bool failing_ = false;
};

}  // namespace sluice::net::detail
