// SPDX-License-Identifier: BSL-1.0
//
// Definitions of connect.hpp.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/detail/spawn.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/detail/stream_transport.hpp>
#include <sluice/net/detail/system_socket.hpp>
#include <utility>

namespace sluice::net {
namespace detail {

/// One address that is being tried.
class ConnectAttempt final : private Poller::Watched {
 public:
  /// `ended` is called once, and not from here.
  ConnectAttempt(Loop& loop, SystemSocket socket, std::function<void(const error_code&)> ended);
  ConnectAttempt(const ConnectAttempt&) = delete;
  ConnectAttempt& operator=(const ConnectAttempt&) = delete;
  ~ConnectAttempt();

  const SystemSocket& socket() const { return socket_; }
  bool pending() const { return static_cast<bool>(ended_); }
  void start(const SocketAddress& address);
  /// What has been connected.
  boost::intrusive_ptr<StreamTransport> take();

 private:
  SLUICE_DECL void onEvents(std::uint32_t events) override;
  void onLoopEnd() override { ended_ = nullptr; }

  Loop& loop_;
  SystemSocket socket_;
  std::function<void(const error_code&)> ended_;
  std::uint32_t events_ = 0;
  bool watched_ = false;
};

SLUICE_DECL ConnectAttempt::ConnectAttempt(Loop& loop, SystemSocket socket,
                                           std::function<void(const error_code&)> ended)
    : loop_(loop), socket_(std::move(socket)), ended_(std::move(ended)) {}

SLUICE_DECL ConnectAttempt::~ConnectAttempt() {
  loop_.poller().remove(*this);
  if (watched_) loop_.poller().operationEnded();
}

SLUICE_DECL void ConnectAttempt::start(const SocketAddress& address) {
  error_code ec;
  if (::connect(socket_.fd(), address.data(), address.size()) != 0) ec = lastError();
  if (!ec || ec.value() == EINPROGRESS) {
    // Both from the start, since its transport will want them.
    ec = loop_.poller().add(socket_.fd(), *this, Poller::input | Poller::output);
  }
  if (ec) {
    sluice::detail::post(loop_.executor(),
                         [ended = std::exchange(ended_, nullptr), ec] { ended(ec); });
    return;
  }
  watched_ = true;
  loop_.poller().operationStarted();
}

SLUICE_DECL void ConnectAttempt::onEvents(std::uint32_t events) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (!ended_ || (error == 0 && (events & EPOLLOUT) == 0)) return;
  events_ = events;
  std::exchange(ended_, nullptr)(error_code(error, boost::system::system_category()));
}

SLUICE_DECL boost::intrusive_ptr<StreamTransport> ConnectAttempt::take() {
  watched_ = false;
  loop_.poller().operationEnded();
  return new StreamTransport(loop_, std::move(socket_), *this, events_);
}

// RFC 8305 section 5: how long an address may be silent before the next is tried as well.
inline constexpr std::chrono::milliseconds connectionAttemptDelay{250};

/// One connect() as the coroutine sees it that waits for it. g++ before 14 writes every coroutine
/// into every program that is compiled without optimization, with all that it calls by name: so
/// this one names nothing that a program which never connects can do without.
class Connecting {
 public:
  using Make = std::shared_ptr<Connecting> (*)(const asio::any_io_executor&,
                                               std::shared_ptr<const ConnectionOptions>);

  static task<Socket> run(Make make, std::shared_ptr<const ConnectionOptions> options);

  virtual void start(sluice::detail::Completion<void(std::exception_ptr)> handler) = 0;
  virtual Socket take() = 0;

 protected:
  ~Connecting() = default;
};

/// One connect(): from the options to a core that is open, or an exception.
class Connector final : public Connecting,
                        public SocketObserver,
                        public std::enable_shared_from_this<Connector>,
                        private LoopMember {
 public:
  using Handler = sluice::detail::Completion<void(std::exception_ptr)>;

  Connector(std::shared_ptr<const ConnectionOptions> options, std::shared_ptr<Loop> loop);

  static void validate(const ConnectionOptions& options);
  static std::shared_ptr<Connecting> make(const asio::any_io_executor& executor,
                                          std::shared_ptr<const ConnectionOptions> options);

  SLUICE_DECL void start(Handler handler) override;
  Socket take() override { return Socket(std::move(core_)); }
  SLUICE_DECL void onGone(const error_code& reason) override;

 private:
  using Tcp = asio::ip::tcp;
  using Addresses = std::vector<asio::ip::address>;

  SLUICE_DECL void onLoopEnd() override;
  void begin();
  void connectUnix();
  void resolve();
  static task<> lookUp(std::shared_ptr<const ConnectionOptions> options, std::string host,
                       std::shared_ptr<Addresses> found);
  void resolved(Addresses found);
  void tryNext();
  SystemSocket prepare(const asio::ip::address& address);
  bool bindLocally(const SystemSocket& socket, bool v6);
  void attemptEnded(std::size_t index, const error_code& ec);
  void remember(http::Error error);
  void timedOut();
  void connected(boost::intrusive_ptr<StreamTransport> transport);
  void fail(const http::Error& error);
  void finish(std::exception_ptr error);

  const std::shared_ptr<const ConnectionOptions> shared_;
  const ConnectionOptions& options_;
  const std::string host_;
  const std::shared_ptr<Loop> loop_;
  boost::intrusive_ptr<SocketCore> core_;
  std::optional<asio::ip::address> localAddress_;
  std::optional<Tcp::resolver> resolver_;
  asio::cancellation_signal lookupCancelled_;
  Addresses addresses_;
  // One an address; none where it could not be tried.
  std::vector<std::unique_ptr<ConnectAttempt>> attempts_;
  TimerEntry delay_;
  TimerEntry deadline_;
  std::optional<http::Error> error_;
  Handler handler_;
};

SLUICE_DECL void Connector::validate(const ConnectionOptions& options) {
  if (options.family != 0 && options.family != 4 && options.family != 6) {
    throw http::Error(
        make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
        "The option 'family' must be 0, 4 or 6, not " + std::to_string(options.family));
  }
  sluice::detail::requireIdleTime("msecs", options.timeout);
  error_code ec;
  if (!options.localAddress.empty()) asio::ip::make_address(options.localAddress, ec);
  if (ec) {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_IP_ADDRESS),
                      "Invalid IP address: " + options.localAddress);
  }
}

SLUICE_DECL Connector::Connector(std::shared_ptr<const ConnectionOptions> options,
                                 std::shared_ptr<Loop> loop)
    : LoopMember(*loop),
      shared_(std::move(options)),
      options_(*shared_),
      host_(options_.host.empty() ? "localhost" : options_.host),
      loop_(std::move(loop)),
      delay_([](void* self) { static_cast<Connector*>(self)->tryNext(); }, this),
      deadline_([](void* self) { static_cast<Connector*>(self)->timedOut(); }, this) {
  if (!options_.localAddress.empty()) {
    localAddress_ = asio::ip::make_address(options_.localAddress);
  }
}

SLUICE_DECL std::shared_ptr<Connecting> Connector::make(
    const asio::any_io_executor& executor, std::shared_ptr<const ConnectionOptions> options) {
  return std::make_shared<Connector>(std::move(options), Loop::of(executor));
}

SLUICE_DECL task<Socket> Connecting::run(Make make,
                                         std::shared_ptr<const ConnectionOptions> options) {
  const auto connecting = make(co_await asio::this_coro::executor, std::move(options));
  co_await sluice::detail::Suspend<&Connecting::start>{connecting.get()};
  co_return connecting->take();
}

SLUICE_DECL void Connector::onLoopEnd() {
  const auto self = shared_from_this();
  const Handler dropped = std::move(handler_);
}

SLUICE_DECL void Connector::start(Handler handler) {
  handler_ = std::move(handler);
  auto slot = handler_.slot();
  if (slot.is_connected()) {
    slot.assign(
        [this](asio::cancellation_type) { fail(http::Error(asio::error::operation_aborted)); });
  }
  try {
    begin();
  } catch (...) {
    finish(std::current_exception());
  }
}

SLUICE_DECL void Connector::begin() {
  if (options_.hook != nullptr) {
    core_ = options_.hook->onConnecting();
  } else {
    core_ = new SocketCore(loop_, options_.highWaterMark);
  }
  if (core_->destroyed()) {
    onGone({});
    return;
  }
  core_->setObserver(shared_from_this());
  loop_->startTimer(deadline_, options_.timeout);
  error_code ec;
  const auto literal = asio::ip::make_address(host_, ec);
  if (!options_.path.empty()) {
    connectUnix();
  } else if (ec) {
    resolve();
  } else {
    resolved({literal});
  }
}

SLUICE_DECL void Connector::connectUnix() {
  error_code ec;
  const SocketAddress address = SocketAddress::ofPath(options_.path, ec);
  SystemSocket socket;
  if (!ec) socket = SystemSocket::open(AF_UNIX, ec);
  // Never in progress: it succeeds, fails, or says EAGAIN where too many wait already.
  if (!ec && ::connect(socket.fd(), address.data(), address.size()) != 0) ec = lastError();
  if (ec) {
    fail(http::Error::connection(ec, "connect", options_.path));
  } else {
    connected(new StreamTransport(*loop_, std::move(socket)));
  }
}

SLUICE_DECL void Connector::resolve() {
  const auto self = shared_from_this();
  if (options_.lookup) {
    const auto found = std::make_shared<Addresses>();
    sluice::detail::spawn(loop_->executor(), lookUp(shared_, host_, found), lookupCancelled_.slot(),
                          sluice::detail::Ended([self, found](const std::exception_ptr& error) {
                            if (error) {
                              self->finish(error);
                            } else {
                              self->resolved(std::move(*found));
                            }
                          }));
    return;
  }
  auto done = [self](const error_code& ec, const Tcp::resolver::results_type& results) {
    if (ec) {
      self->fail(http::Error::connection(ec, "getaddrinfo", self->host_));
      return;
    }
    Addresses found;
    for (const auto& result : results) found.push_back(result.endpoint().address());
    self->resolved(std::move(found));
  };
  resolver_.emplace(loop_->executor());
  if (options_.family == 0) {
    resolver_->async_resolve(host_, {}, std::move(done));
  } else {
    const auto protocol = options_.family == 4 ? Tcp::v4() : Tcp::v6();
    resolver_->async_resolve(protocol, host_, {}, std::move(done));
  }
}

SLUICE_DECL task<> Connector::lookUp(std::shared_ptr<const ConnectionOptions> options,
                                     std::string host, std::shared_ptr<Addresses> found) {
  *found = co_await options->lookup(host, options->family);
}

// RFC 8305 section 4: the families take turns, beginning with that of the first address.
SLUICE_DECL std::vector<asio::ip::address> alternating(std::vector<asio::ip::address> found) {
  const bool v6First = found.front().is_v6();
  std::vector<asio::ip::address> families[2];
  for (const auto& address : found) families[address.is_v6() == v6First ? 0 : 1].push_back(address);
  std::vector<asio::ip::address> result;
  for (std::size_t i = 0; result.size() != found.size(); ++i) {
    for (const auto& family : families) {
      if (i < family.size()) result.push_back(family[i]);
    }
  }
  return result;
}

SLUICE_DECL void Connector::resolved(Addresses found) {
  if (!handler_) return;
  if (found.empty()) {
    fail(http::Error::connection(asio::error::host_not_found, "getaddrinfo", host_));
    return;
  }
  if (localAddress_) {
    std::erase_if(
        found, [this](const auto& address) { return address.is_v6() != localAddress_->is_v6(); });
  }
  if (found.empty()) {
    const error_code ec(EAFNOSUPPORT, boost::system::system_category());
    fail(http::Error::connection(ec, "bind", options_.localAddress, options_.localPort));
    return;
  }
  addresses_ = alternating(std::move(found));
  tryNext();
}

SLUICE_DECL void Connector::tryNext() {
  while (attempts_.size() < addresses_.size()) {
    const std::size_t index = attempts_.size();
    const asio::ip::address& address = addresses_[index];
    auto& attempt = attempts_.emplace_back();
    SystemSocket socket = prepare(address);
    if (!socket) continue;
    attempt = std::make_unique<ConnectAttempt>(
        *loop_, std::move(socket), [self = shared_from_this(), index](const error_code& ec) {
          self->attemptEnded(index, ec);
        });
    attempt->start({address, options_.port});
    if (attempts_.size() < addresses_.size()) loop_->startTimer(delay_, connectionAttemptDelay);
    return;
  }
  const bool pending = std::any_of(attempts_.begin(), attempts_.end(), [](const auto& attempt) {
    return attempt != nullptr && attempt->pending();
  });
  if (!pending) fail(*error_);
}

// No socket where there is none for the address, or it cannot begin where the options say.
SLUICE_DECL SystemSocket Connector::prepare(const asio::ip::address& address) {
  error_code ec;
  SystemSocket socket = SystemSocket::open(address.is_v6() ? AF_INET6 : AF_INET, ec);
  if (ec) {
    remember(http::Error::connection(ec, "connect", address.to_string(), options_.port));
  } else if (!bindLocally(socket, address.is_v6())) {
    socket.close();
  }
  return socket;
}

SLUICE_DECL bool Connector::bindLocally(const SystemSocket& socket, bool v6) {
  if (!localAddress_ && options_.localPort == 0) return true;
  asio::ip::address local = asio::ip::address_v4();
  if (v6) local = asio::ip::address_v6();
  if (localAddress_) local = *localAddress_;
  error_code ec = socket.setOption(SOL_SOCKET, SO_REUSEADDR, true);
  if (!ec) ec = socket.bind({local, options_.localPort});
  if (!ec) return true;
  remember(http::Error::connection(ec, "bind", local.to_string(), options_.localPort));
  return false;
}

SLUICE_DECL void Connector::attemptEnded(std::size_t index, const error_code& ec) {
  if (!handler_) return;
  const auto self = shared_from_this();
  if (!ec) {
    connected(attempts_[index]->take());
    return;
  }
  attempts_[index].reset();
  remember(http::Error::connection(ec, "connect", addresses_[index].to_string(), options_.port));
  delay_.stop();
  tryNext();
}

// That this machine has no way to one of the addresses says less than what happened to the others.
inline bool saysLittle(const error_code& ec) {
  return ec == asio::error::network_unreachable || ec == asio::error::host_unreachable ||
         ec == asio::error::address_family_not_supported || ec.value() == EADDRNOTAVAIL;
}

SLUICE_DECL void Connector::remember(http::Error error) {
  if (!error_ || (saysLittle(error_->code()) && !saysLittle(error.code()))) {
    error_ = std::move(error);
  }
}

SLUICE_DECL void Connector::timedOut() {
  const bool known = !addresses_.empty();
  fail(http::Error::connection(asio::error::timed_out, "connect",
                               known ? addresses_.front().to_string() : host_, options_.port));
}

SLUICE_DECL void Connector::connected(boost::intrusive_ptr<StreamTransport> transport) {
  const auto core = core_;
  finish(nullptr);
  core->open(std::move(transport));
  if (options_.path.empty()) {
    core->transport()->setNoDelay(options_.noDelay);
    if (options_.keepAlive) core->transport()->setKeepAlive(true, options_.keepAliveInitialDelay);
  }
  sluice::detail::emit<SocketEvents, "connect">(core->listeners());
}

SLUICE_DECL void Connector::onGone(const error_code& reason) {
  fail(http::Error(reason ? reason : error_code(asio::error::operation_aborted)));
}

SLUICE_DECL void Connector::fail(const http::Error& error) {
  finish(std::make_exception_ptr(error));
}

SLUICE_DECL void Connector::finish(std::exception_ptr error) {
  if (!handler_) return;
  const auto self = shared_from_this();
  Handler handler = std::move(handler_);
  delay_.stop();
  deadline_.stop();
  if (resolver_) resolver_->cancel();
  lookupCancelled_.emit(asio::cancellation_type::terminal);
  attempts_.clear();
  if (core_) {
    core_->setObserver(nullptr);
    if (error) core_->destroy(handlerError(error));
  }
  handler.post(loop_->executor(), std::move(error));
}

}  // namespace detail

SLUICE_DECL task<Socket> connect(const ConnectionOptions& named) {
  detail::Connector::validate(named);
  return detail::Connecting::run(&detail::Connector::make,
                                 std::make_shared<const ConnectionOptions>(named));
}

}  // namespace sluice::net
