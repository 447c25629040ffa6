// SPDX-License-Identifier: BSL-1.0
//
// Definitions of listener.hpp.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/asio/error.hpp>
#include <boost/system/errc.hpp>
#include <new>
#include <sluice/net/detail/accept_error.hpp>
#include <sluice/net/detail/epoll/listener.hpp>
#include <sluice/net/detail/epoll/transport.hpp>
#include <utility>

namespace sluice::net::detail {

// Connections taken before others on the loop get their turn.
inline constexpr int acceptsPerTurn = 32;

SLUICE_DECL void EpollListener::Reserve::take() {
  if (fd_ < 0) fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

SLUICE_DECL bool EpollListener::Reserve::giveUp() {
  return fd_ >= 0 && ::close(std::exchange(fd_, -1)) == 0;
}

SLUICE_DECL EpollListener::EpollListener(std::shared_ptr<Loop> loop)
    : loop_(std::move(loop)),
      pause_([](void* self) { static_cast<EpollListener*>(self)->acceptReady(); }, this) {}

SLUICE_DECL EpollListener::~EpollListener() { close(); }

SLUICE_DECL error_code EpollListener::open(const Place& place, const ListenOptions& options) {
  error_code ec;
  // It takes a descriptor, and start() cannot say that there is none.
  poller_ = Poller::of(*loop_, ec);
  if (!ec && place.isUnix()) {
    ec = openUnix(place.path, options.backlog);
  } else if (!ec) {
    ec = openTcp({place.address, place.port}, options);
  }
  if (!ec) reserve_.take();
  return ec;
}

SLUICE_DECL error_code EpollListener::adopt(int fd, int backlog) {
  error_code ec;
  poller_ = Poller::of(*loop_, ec);
  if (ec) return ec;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::listen(fd, backlog) != 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return lastError();
  }
  socket_ = SystemSocket(fd);
  reserve_.take();
  return {};
}

SLUICE_DECL error_code EpollListener::openTcp(const SocketAddress& address,
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

SLUICE_DECL error_code EpollListener::listenOn(SystemSocket socket, int backlog) {
  if (::listen(socket.fd(), backlog) != 0) return lastError();
  socket_ = std::move(socket);
  return {};
}

// Whether a Unix socket's file was left behind by a process that is gone.
inline bool isStale(const std::string& path, const SocketAddress& at) {
  if (!SocketFile::isSocket(path)) return false;
  error_code ec;
  const SystemSocket socket = SystemSocket::open(AF_UNIX, ec);
  return socket && ::connect(socket.fd(), at.data(), at.size()) != 0 && errno == ECONNREFUSED;
}

SLUICE_DECL error_code EpollListener::openUnix(const std::string& path, int backlog) {
  const bool hasFile = path.front() != '\0';
  error_code ec;
  const SocketAddress address = SocketAddress::ofPath(path, ec);
  SystemSocket socket;
  if (!ec) socket = SystemSocket::open(AF_UNIX, ec);
  if (!ec) ec = socket.bind(address);
  if (ec == asio::error::address_in_use && hasFile && isStale(path, address) &&
      SocketFile::remove(path)) {
    ec = socket.bind(address);
  }
  if (!ec) ec = listenOn(std::move(socket), backlog);
  if (!ec && hasFile) file_.remember(path);
  return ec;
}

SLUICE_DECL Address EpollListener::address() const {
  error_code ec;
  const auto address = SocketAddress::local(socket_.fd(), ec);
  return ec ? Address{} : address.toAddress();
}

SLUICE_DECL void EpollListener::close() {
  if (std::exchange(user_, nullptr) != nullptr) {
    poller_->remove(*this);
    poller_->operationEnded();
  }
  pause_.stop();
  reserve_.giveUp();
  socket_.close();
  file_.remove();
}

SLUICE_DECL void EpollListener::start(User& user) {
  const boost::intrusive_ptr<EpollListener> alive(this);
  user_ = &user;
  poller_->operationStarted();
  if (const error_code ec = poller_->add(socket_.fd(), *this, EPOLLIN)) acceptFailed(ec);
}

SLUICE_DECL void EpollListener::onEvents(std::uint32_t) {
  if (!pause_.running()) acceptReady();
}

SLUICE_DECL void EpollListener::acceptReady() {
  const boost::intrusive_ptr<EpollListener> alive(this);
  // What still waits is no new event: it is taken in the next turn, also if a listener of the
  // user's throws.
  struct Continue {
    EpollListener& self;
    bool done = false;
    ~Continue() {
      if (!done && self.user_ != nullptr) self.poller_->again(self);
    }
  } rest{*this};
  for (int i = 0; i < acceptsPerTurn && user_ != nullptr; ++i) {
    const error_code ec = acceptOne();
    if (!ec) continue;
    const bool none = ec == asio::error::would_block || ec == asio::error::try_again;
    if (!none && concernsOneConnection(ec)) continue;
    rest.done = true;
    if (!none) acceptFailed(ec);
    return;
  }
}

SLUICE_DECL error_code EpollListener::acceptOne() {
  const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return lastError();
  SystemSocket socket(fd);
  try {
    user_->onAccept(new EpollTransport(*poller_, std::move(socket)));
    failing_ = false;
  } catch (const std::bad_alloc&) {
    // This one is closed; what others give back may be enough for the next.
    if (user_ != nullptr) tellOnce(make_error_code(boost::system::errc::not_enough_memory));
  }
  return {};
}

SLUICE_DECL void EpollListener::acceptFailed(const error_code& ec) {
  if (isLackOfDescriptors(ec)) dropWaiting();
  loop_->startTimer(pause_, acceptPause);
  tellOnce(ec);
}

SLUICE_DECL void EpollListener::tellOnce(const error_code& ec) {
  if (std::exchange(failing_, true)) return;
  try {
    user_->onAcceptError(http::Error::connection(ec, "accept"));
  } catch (const std::bad_alloc&) {
    // Not even to tell of it.
  }
}

// The clients that wait see an end now rather than silence for as long as no descriptor is free.
SLUICE_DECL void EpollListener::dropWaiting() {
  for (int i = 0; i < acceptsPerTurn && reserve_.giveUp(); ++i) {
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    reserve_.take();
    if (fd < 0) break;
  }
}

}  // namespace sluice::net::detail
