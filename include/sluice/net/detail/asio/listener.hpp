// SPDX-License-Identifier: BSL-1.0
//
// A listening socket of Asio, TCP or Unix: the accept loop, and what it does while the process has
// no descriptor left.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <memory>
#include <sluice/net/detail/asio/transport.hpp>
#include <sluice/net/detail/listener.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_file.hpp>

namespace sluice::net::detail {

class AsioListener final : public Listener, private LoopMember {
 public:
  explicit AsioListener(std::shared_ptr<Loop> loop);
  SLUICE_DECL ~AsioListener() override;

  SLUICE_DECL error_code open(const Place& place, const ListenOptions& options) override;
  SLUICE_DECL error_code adopt(int fd, int backlog) override;
  SLUICE_DECL void start(User& user) override;
  bool isOpen() const override { return acceptor_.is_open(); }
  SLUICE_DECL Address address() const override;
  SLUICE_DECL void close() override;

 private:
  using Acceptor = asio::basic_socket_acceptor<GenericProtocol>;
  using Socket = AsioTransport::Socket;

  error_code openTcp(const GenericProtocol::endpoint& at, const ListenOptions& options);
  error_code openUnix(const GenericProtocol::endpoint& at, const std::string& path);
  bool isStale(const GenericProtocol::endpoint& at, const std::string& path) const;
  void onLoopEnd() override { close(); }
  void acceptNext();
  void onAccepted(error_code ec);
  error_code takePeer();
  void acceptFailed(const error_code& ec);
  void dropWaiting();
  void takeReserve();

  std::shared_ptr<Loop> loop_;
  Acceptor acceptor_;
  Socket peer_;
  // A socket that is given up to take and close a connection if no descriptor is free.
  Socket reserve_;
  User* user_ = nullptr;
  TimerEntry pause_;
  SocketFile file_;
  bool failing_ = false;
};

}  // namespace sluice::net::detail
