// SPDX-License-Identifier: BSL-1.0
//
// One listening socket of the kernel, TCP or Unix: binding, the accept loop, and what the loop does
// while the process has no descriptor left. It knows nothing of servers.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <memory>
#include <sluice/error.hpp>
#include <sluice/net/address.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/poller.hpp>
#include <sluice/net/detail/system_socket.hpp>
#include <sluice/net/listen_options.hpp>
#include <string>

namespace sluice::net::detail {

class Listener final : public boost::intrusive_ref_counter<Listener, boost::thread_unsafe_counter>,
                       private Poller::Watched {
 public:
  /// Either call may close and release the listener.
  class User {
   public:
    /// A connection: non-blocking, closed on exec.
    virtual void onAccept(SystemSocket socket) = 0;
    /// No connection can be accepted for now; told once until one is again. The listener goes on
    /// trying.
    virtual void onAcceptError(const http::Error&) = 0;

   protected:
    ~User() = default;
  };

  explicit Listener(std::shared_ptr<Loop> loop);
  ~Listener();

  /// Binds and listens at once. Connections wait in the kernel until start().
  ///
  /// throws  http::Error: ERR_INVALID_ARG_VALUE where the options say no place; else what the
  /// system
  ///         says, with syscall "listen" or "getaddrinfo", address and port
  void open(const ListenOptions& options);
  /// Hands every connection to `user` from now on until close().
  void start(User& user);
  bool isOpen() const { return static_cast<bool>(socket_); }
  Address address() const;
  /// Removes the Unix socket's file too, where it is still the one that open() made.
  void close();

 private:
  // A descriptor that is given up to take and close a connection where no other is free.
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

  // Which file a Unix socket is: another may have taken its name since.
  struct UnixFile {
    std::string path{};
    unsigned long device = 0, inode = 0;
  };

  void adopt(const ListenOptions& options);
  void openTcp(const ListenOptions& options);
  void openUnix(const ListenOptions& options);
  error_code tryTcp(const SocketAddress& address, const ListenOptions& options);
  error_code listenOn(SystemSocket socket, int backlog);
  void onEvents(std::uint32_t) override {
    if (!pause_.running()) acceptReady();
  }
  void onLoopEnd() override { close(); }
  void acceptReady();
  error_code acceptOne();
  void acceptFailed(const error_code&);
  void dropWaiting();

  std::shared_ptr<Loop> loop_;
  SystemSocket socket_;
  User* user_ = nullptr;
  TimerEntry pause_;
  Reserve reserve_;
  UnixFile file_;
  bool failing_ = false;
};

}  // namespace sluice::net::detail
