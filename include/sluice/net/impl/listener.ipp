// SPDX-License-Identifier: BSL-1.0
//
// Definitions of listener.hpp.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <sluice/net/detail/listener.hpp>
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

SLUICE_DECL Listener::Listener(std::shared_ptr<Loop> loop)
    : loop_(std::move(loop)),
      pause_([](void* self) { static_cast<Listener*>(self)->acceptReady(); }, this) {}

SLUICE_DECL Listener::~Listener() { close(); }

SLUICE_DECL void Listener::open(const ListenOptions& options) {
  // It takes a descriptor, and start() cannot say that there is none.
  loop_->poller();
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
  const int flags = ::fcntl(options.fd, F_GETFL);
  if (flags < 0 || ::listen(options.fd, options.backlog) != 0 ||
      ::fcntl(options.fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(options.fd, F_SETFD, FD_CLOEXEC) != 0) {
    throw http::Error::connection(lastError(), "listen");
  }
  socket_ = SystemSocket(options.fd);
}

SLUICE_DECL void Listener::openTcp(const ListenOptions& options) {
  using Tcp = asio::ip::tcp;
  const std::uint16_t port = *options.port;
  asio::ip::address address = asio::ip::address_v6();
  error_code ec;
  if (!options.host.empty()) {
    address = asio::ip::make_address(options.host, ec);
    if (ec) {
      const auto found = Tcp::resolver(loop_->executor()).resolve(options.host, {}, ec);
      if (ec) throw http::Error::connection(ec, "getaddrinfo", options.host);
      address = found.begin()->endpoint().address();
    }
  }
  ec = tryTcp({address, port}, options);
  const bool noIpv6 = ec.value() == EAFNOSUPPORT || ec.value() == EADDRNOTAVAIL;
  if (options.host.empty() && !options.ipv6Only && noIpv6) {
    address = asio::ip::address_v4();
    ec = tryTcp({address, port}, options);
  }
  if (ec) throw http::Error::connection(ec, "listen", address.to_string(), port);
}

SLUICE_DECL error_code Listener::tryTcp(const SocketAddress& address,
                                        const ListenOptions& options) {
  error_code ec;
  SystemSocket socket = SystemSocket::open(address.family(), ec);
  if (!ec) ec = socket.setOption(SOL_SOCKET, SO_REUSEADDR, true);
  if (!ec && options.reusePort) ec = socket.setOption(SOL_SOCKET, SO_REUSEPORT, true);
  if (!ec && address.family() == AF_INET6) {
    ec = socket.setOption(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only);
  }
  if (!ec) ec = socket.bind(address);
  return ec ? ec : listenOn(std::move(socket), options.backlog);
}

SLUICE_DECL error_code Listener::listenOn(SystemSocket socket, int backlog) {
  if (::listen(socket.fd(), backlog) != 0) return lastError();
  socket_ = std::move(socket);
  return {};
}

// Whether a Unix socket's file was left behind by a process that is gone.
inline bool isStale(const std::string& path, const SocketAddress& at) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  error_code ec;
  const SystemSocket socket = SystemSocket::open(AF_UNIX, ec);
  return socket && ::connect(socket.fd(), at.data(), at.size()) != 0 && errno == ECONNREFUSED;
}

SLUICE_DECL void Listener::openUnix(const ListenOptions& options) {
  const std::string& path = options.path;
  const bool hasFile = path.front() != '\0';
  error_code ec;
  const SocketAddress address = SocketAddress::ofPath(path, ec);
  SystemSocket socket;
  if (!ec) socket = SystemSocket::open(AF_UNIX, ec);
  if (!ec) ec = socket.bind(address);
  if (ec == asio::error::address_in_use && hasFile && isStale(path, address) &&
      ::unlink(path.c_str()) == 0) {
    ec = socket.bind(address);
  }
  if (!ec) ec = listenOn(std::move(socket), options.backlog);
  if (ec) throw http::Error::connection(ec, "listen", path);
  struct stat info {};
  if (hasFile && ::lstat(path.c_str(), &info) == 0) {
    file_ = {path, static_cast<unsigned long>(info.st_dev),
             static_cast<unsigned long>(info.st_ino)};
  }
}

SLUICE_DECL Address Listener::address() const {
  error_code ec;
  const auto address = SocketAddress::local(socket_.fd(), ec);
  return ec ? Address{} : address.toAddress();
}

SLUICE_DECL void Listener::close() {
  if (std::exchange(user_, nullptr) != nullptr) {
    loop_->poller().remove(*this);
    loop_->poller().operationEnded();
  }
  pause_.stop();
  reserve_.giveUp();
  socket_.close();
  const UnixFile file = std::exchange(file_, {});
  struct stat info {};
  if (!file.path.empty() && ::lstat(file.path.c_str(), &info) == 0 && info.st_dev == file.device &&
      info.st_ino == file.inode) {
    ::unlink(file.path.c_str());
  }
}

SLUICE_DECL void Listener::start(User& user) {
  user_ = &user;
  loop_->poller().operationStarted();
  if (const error_code ec = loop_->poller().add(socket_.fd(), *this, EPOLLIN)) acceptFailed(ec);
}

SLUICE_DECL void Listener::acceptReady() {
  const boost::intrusive_ptr<Listener> alive(this);
  // Whoever still waits is no new event: the rest is taken in the next turn, also where a listener
  // of the user's throws.
  struct GoOn {
    Listener& self;
    bool done = false;
    ~GoOn() {
      if (!done && self.user_ != nullptr) self.loop_->poller().again(self);
    }
  } goOn{*this};
  for (int i = 0; i < acceptsPerTurn && user_ != nullptr; ++i) {
    const error_code ec = acceptOne();
    if (!ec || concernsOneConnection(ec)) continue;
    goOn.done = true;
    if (ec != asio::error::would_block && ec != asio::error::try_again) acceptFailed(ec);
    return;
  }
}

SLUICE_DECL error_code Listener::acceptOne() {
  const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return lastError();
  failing_ = false;
  user_->onAccept(SystemSocket(fd));
  return {};
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
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    reserve_.take();
    if (fd < 0) break;
  }
}

}  // namespace sluice::net::detail
