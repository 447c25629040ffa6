// SPDX-License-Identifier: BSL-1.0
//
// Definitions of listener.hpp. Connections are accepted by the system's own call for the reason
// that system_socket.hpp gives.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <sluice/net/detail/listener.hpp>
#include <sluice/net/detail/stream_transport.hpp>
#include <sluice/net/detail/system_socket.hpp>
#include <utility>

namespace sluice::net::detail {

// Connections taken before others on the loop get their turn.
inline constexpr int acceptsPerTurn = 32;

// How long the accept loop rests where the system has no descriptor or memory for a connection.
inline constexpr std::chrono::milliseconds acceptPause{100};

// What accept() reports of the one connection that it would have returned, not of the listener.
inline bool concernsOneConnection(const error_code& ec) {
  switch (ec.value()) {
    case EINTR:
    case ECONNABORTED:
    case ECONNRESET:
    case EPROTO:
    case EPERM:
    case ETIMEDOUT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
#if defined(EHOSTDOWN)
    case EHOSTDOWN:
#endif
#if defined(ENONET)
    case ENONET:
#endif
      return true;
    default:
      return false;
  }
}

SLUICE_DECL void Listener::Reserve::take() {
  if (fd_ < 0) fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

SLUICE_DECL bool Listener::Reserve::giveUp() {
  return fd_ >= 0 && ::close(std::exchange(fd_, -1)) == 0;
}

SLUICE_DECL Listener::Listener(const asio::any_io_executor& executor)
    : loop_(Loop::of(executor)),
      acceptor_(executor),
      pause_([](void* self) { static_cast<Listener*>(self)->wait(); }, this) {}

SLUICE_DECL Listener::~Listener() { close(); }

SLUICE_DECL void Listener::open(const ListenOptions& options) {
  if (options.fd >= 0) {
    adopt(options);
  } else if (options.port) {
    openTcp(options);
  } else if (!options.path.empty()) {
    openUnix(options);
  } else {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
                      "The listen options must have a port, a path or an fd");
  }
  reserve_.take();
}

SLUICE_DECL void Listener::adopt(const ListenOptions& options) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  error_code ec;
  Acceptor acceptor(loop_->executor());
  if (::getsockname(options.fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::listen(options.fd, options.backlog) != 0 || ::fcntl(options.fd, F_SETFD, FD_CLOEXEC) != 0) {
    ec = lastError();
  } else {
    acceptor.assign(Protocol(address.ss_family, 0), options.fd, ec);
  }
  if (ec) throw http::Error::connection(ec, "listen");
  acceptor.non_blocking(true, ec);
  acceptor_ = std::move(acceptor);
}

SLUICE_DECL void Listener::openTcp(const ListenOptions& options) {
  using Tcp = asio::ip::tcp;
  const std::uint16_t port = *options.port;
  Tcp::endpoint endpoint(Tcp::v6(), port);
  error_code ec;
  if (!options.host.empty()) {
    auto address = asio::ip::make_address(options.host, ec);
    if (ec) {
      const auto found = Tcp::resolver(loop_->executor()).resolve(options.host, {}, ec);
      if (ec) throw http::Error::connection(ec, "getaddrinfo", options.host);
      address = found.begin()->endpoint().address();
    }
    endpoint = Tcp::endpoint(address, port);
  }
  ec = tryTcp(endpoint, options);
  const bool noIpv6 = ec.value() == EAFNOSUPPORT || ec.value() == EADDRNOTAVAIL;
  if (options.host.empty() && !options.ipv6Only && noIpv6) {
    endpoint = Tcp::endpoint(Tcp::v4(), port);
    ec = tryTcp(endpoint, options);
  }
  if (ec) throw http::Error::connection(ec, "listen", endpoint.address().to_string(), port);
}

SLUICE_DECL error_code Listener::tryTcp(const Protocol::endpoint& endpoint,
                                        const ListenOptions& options) {
  Acceptor acceptor(loop_->executor());
  error_code ec = openSocket(acceptor, endpoint.protocol());
  if (!ec) ec = setOption(acceptor, SOL_SOCKET, SO_REUSEADDR, true);
  if (!ec && options.reusePort) ec = setOption(acceptor, SOL_SOCKET, SO_REUSEPORT, true);
  if (!ec && endpoint.protocol().family() == AF_INET6) {
    ec = setOption(acceptor, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only);
  }
  if (!ec) acceptor.bind(endpoint, ec);
  return ec ? ec : listenOn(std::move(acceptor), options.backlog);
}

SLUICE_DECL error_code Listener::listenOn(Acceptor acceptor, int backlog) {
  error_code ec;
  acceptor.listen(backlog, ec);
  if (!ec) acceptor_ = std::move(acceptor);
  return ec;
}

// Whether a Unix socket's file was left behind by a process that is gone.
inline bool isStale(const std::string& path, const asio::generic::stream_protocol::endpoint& at) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool refused =
      ::connect(fd, at.data(), static_cast<socklen_t>(at.size())) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return refused;
}

SLUICE_DECL void Listener::openUnix(const ListenOptions& options) {
  const std::string& path = options.path;
  const bool hasFile = path.front() != '\0';
  error_code ec;
  const Protocol::endpoint endpoint = unixEndpoint(path, ec);
  Acceptor acceptor(loop_->executor());
  if (!ec) ec = openSocket(acceptor, endpoint.protocol());
  if (!ec) acceptor.bind(endpoint, ec);
  if (ec == asio::error::address_in_use && hasFile && isStale(path, endpoint) &&
      ::unlink(path.c_str()) == 0) {
    acceptor.bind(endpoint, ec);
  }
  if (!ec) ec = listenOn(std::move(acceptor), options.backlog);
  if (ec) throw http::Error::connection(ec, "listen", path);
  struct stat info {};
  if (hasFile && ::lstat(path.c_str(), &info) == 0) {
    file_ = {path, static_cast<unsigned long>(info.st_dev),
             static_cast<unsigned long>(info.st_ino)};
  }
}

SLUICE_DECL Address Listener::address() const {
  error_code ec;
  const auto endpoint = acceptor_.local_endpoint(ec);
  return ec ? Address{} : toAddress(endpoint);
}

SLUICE_DECL void Listener::close() {
  user_ = nullptr;
  pause_.stop();
  reserve_.giveUp();
  error_code ignored;
  acceptor_.close(ignored);
  const UnixFile file = std::exchange(file_, {});
  struct stat info {};
  if (!file.path.empty() && ::lstat(file.path.c_str(), &info) == 0 && info.st_dev == file.device &&
      info.st_ino == file.inode) {
    ::unlink(file.path.c_str());
  }
}

SLUICE_DECL void Listener::start(User& user) {
  user_ = &user;
  wait();
}

SLUICE_DECL void Listener::wait() {
  acceptor_.async_wait(Acceptor::wait_read,
                       [self = boost::intrusive_ptr<Listener>(this)](const error_code& ec) {
                         if (self->user_ == nullptr || ec == asio::error::operation_aborted) return;
                         if (ec) {
                           self->acceptFailed(ec);
                         } else {
                           self->acceptReady();
                         }
                       });
}

SLUICE_DECL void Listener::acceptReady() {
  // Also where a listener of the user's throws: that must not end the accept loop.
  struct GoOn {
    Listener& self;
    ~GoOn() {
      if (self.user_ != nullptr && !self.pause_.running()) self.wait();
    }
  } goOn{*this};
  for (int i = 0; i < acceptsPerTurn && user_ != nullptr; ++i) {
    const error_code ec = acceptOne();
    if (ec == asio::error::would_block || ec == asio::error::try_again) return;
    if (ec && !concernsOneConnection(ec)) {
      acceptFailed(ec);
      return;
    }
  }
}

SLUICE_DECL error_code Listener::acceptOne() {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  const int fd = ::accept4(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                           SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return lastError();
  Socket socket(loop_->executor());
  error_code ec;
  socket.assign(Protocol(address.ss_family, 0), fd, ec);
  if (ec) {
    ::close(fd);
    return ec;
  }
  failing_ = false;
  user_->onAccept(std::move(socket));
  return ec;
}

SLUICE_DECL void Listener::acceptFailed(const error_code& ec) {
  if (ec.value() == EMFILE || ec.value() == ENFILE) dropWaiting();
  loop_->startTimer(pause_, acceptPause);
  if (!std::exchange(failing_, true)) {
    user_->onAcceptError(http::Error::connection(ec, "accept"));
  }
}

// Who waits sees an end now rather than silence for as long as no descriptor is free.
SLUICE_DECL void Listener::dropWaiting() {
  for (int i = 0; i < acceptsPerTurn && reserve_.giveUp(); ++i) {
    const int fd = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    reserve_.take();
    if (fd < 0) break;
  }
}

}  // namespace sluice::net::detail
