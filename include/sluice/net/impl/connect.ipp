// SPDX-License-Identifier: BSL-1.0
//
// Definitions of connect.hpp.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <exception>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/detail/stream_transport.hpp>
#include <sluice/net/detail/system_socket.hpp>
#include <utility>

namespace sluice::net {
namespace detail {

// RFC 8305 section 5: how long an address may be silent before the next is tried as well.
inline constexpr std::chrono::milliseconds connectionAttemptDelay{250};

/// One connect(): from the options to a core that is open, or an exception.
class Connector final : public SocketObserver,
                        public std::enable_shared_from_this<Connector>,
                        private LoopMember {
 public:
  Connector(std::shared_ptr<const ConnectionOptions> options, std::shared_ptr<Loop> loop);

  static void validate(const ConnectionOptions& options);
  static task<Socket> run(std::shared_ptr<const ConnectionOptions> options);

  void onGone(const error_code& reason) override;

 private:
  using Tcp = asio::ip::tcp;
  using AsioSocket = asio::generic::stream_protocol::socket;
  using Handler = sluice::detail::Completion<void(std::exception_ptr)>;
  using Addresses = std::vector<asio::ip::address>;

  struct Attempt {
    AsioSocket socket;
    bool pending = false;
  };

  void onLoopEnd() override;
  void start(Handler handler);
  void begin();
  void connectUnix();
  void resolve();
  void resolved(Addresses found);
  void tryNext();
  bool prepare(AsioSocket& socket, const Tcp::endpoint& endpoint);
  bool bindLocally(AsioSocket& socket, const Tcp::endpoint& endpoint);
  void attemptEnded(std::size_t index, const error_code& ec);
  void remember(http::Error error);
  void timedOut();
  void connected(AsioSocket socket);
  void fail(const http::Error& error);
  void finish(std::exception_ptr error, const error_code& ec);

  const std::shared_ptr<const ConnectionOptions> shared_;
  const ConnectionOptions& options_;
  const std::string host_;
  const std::shared_ptr<Loop> loop_;
  boost::intrusive_ptr<SocketCore> core_;
  std::optional<asio::ip::address> localAddress_;
  std::optional<Tcp::resolver> resolver_;
  asio::cancellation_signal lookupCancelled_;
  Addresses addresses_;
  std::vector<Attempt> attempts_;
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

SLUICE_DECL task<Socket> Connector::run(std::shared_ptr<const ConnectionOptions> options) {
  auto loop = Loop::of(co_await asio::this_coro::executor);
  const auto connector = std::make_shared<Connector>(std::move(options), std::move(loop));
  co_await sluice::detail::Suspend<&Connector::start>{connector.get()};
  co_return Socket(std::move(connector->core_));
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
    finish(std::current_exception(), asio::error::operation_aborted);
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
  const auto endpoint = unixEndpoint(options_.path, ec);
  AsioSocket socket(loop_->executor());
  if (!ec) ec = openSocket(socket, endpoint.protocol());
  // Never in progress: it succeeds, fails, or says EAGAIN where too many wait already. Asio would
  // take the latter for success.
  if (!ec && ::connect(socket.native_handle(), endpoint.data(),
                       static_cast<socklen_t>(endpoint.size())) != 0) {
    ec = lastError();
  }
  if (ec) {
    fail(http::Error::connection(ec, "connect", options_.path));
  } else {
    connected(std::move(socket));
  }
}

SLUICE_DECL void Connector::resolve() {
  const auto self = shared_from_this();
  if (options_.lookup) {
    auto done = [self](std::exception_ptr error, Addresses found) {
      if (error) {
        self->finish(error, asio::error::host_not_found);
      } else {
        self->resolved(std::move(found));
      }
    };
    asio::co_spawn(loop_->executor(), options_.lookup(host_, options_.family),
                   asio::bind_cancellation_slot(lookupCancelled_.slot(), std::move(done)));
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

// RFC 8305 section 4: the families take turns, beginning with that of the first address.
SLUICE_DECL std::vector<asio::ip::address> alternating(std::vector<asio::ip::address> found) {
  const bool v6First = found.front().is_v6();
  const auto other = std::stable_partition(
      found.begin(), found.end(), [=](const auto& address) { return address.is_v6() == v6First; });
  std::vector<asio::ip::address> result;
  for (auto first = found.begin(), second = other; first != other || second != found.end();) {
    if (first != other) result.push_back(*first++);
    if (second != found.end()) result.push_back(*second++);
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
  // Operations refer to the sockets in here.
  attempts_.reserve(addresses_.size());
  tryNext();
}

SLUICE_DECL void Connector::tryNext() {
  while (attempts_.size() < addresses_.size()) {
    const std::size_t index = attempts_.size();
    const Tcp::endpoint endpoint(addresses_[index], options_.port);
    Attempt& attempt = attempts_.emplace_back(AsioSocket(loop_->executor()));
    if (!prepare(attempt.socket, endpoint)) continue;
    attempt.pending = true;
    attempt.socket.async_connect(endpoint,
                                 [self = shared_from_this(), index](const error_code& ec) {
                                   self->attemptEnded(index, ec);
                                 });
    if (attempts_.size() < addresses_.size()) loop_->startTimer(delay_, connectionAttemptDelay);
    return;
  }
  const bool pending = std::any_of(attempts_.begin(), attempts_.end(),
                                   [](const Attempt& attempt) { return attempt.pending; });
  if (!pending) fail(*error_);
}

SLUICE_DECL bool Connector::prepare(AsioSocket& socket, const Tcp::endpoint& endpoint) {
  const error_code ec = openSocket(socket, endpoint.protocol());
  if (!ec) return bindLocally(socket, endpoint);
  remember(http::Error::connection(ec, "connect", endpoint.address().to_string(), endpoint.port()));
  return false;
}

SLUICE_DECL bool Connector::bindLocally(AsioSocket& socket, const Tcp::endpoint& endpoint) {
  if (!localAddress_ && options_.localPort == 0) return true;
  Tcp::endpoint local(endpoint.protocol(), options_.localPort);
  if (localAddress_) local.address(*localAddress_);
  error_code ec = setOption(socket, SOL_SOCKET, SO_REUSEADDR, true);
  if (!ec) socket.bind(local, ec);
  if (!ec) return true;
  remember(http::Error::connection(ec, "bind", local.address().to_string(), local.port()));
  return false;
}

SLUICE_DECL void Connector::attemptEnded(std::size_t index, const error_code& ec) {
  if (!handler_) return;
  Attempt& attempt = attempts_[index];
  attempt.pending = false;
  if (!ec) {
    connected(std::move(attempt.socket));
    return;
  }
  error_code ignored;
  attempt.socket.close(ignored);
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

SLUICE_DECL void Connector::connected(AsioSocket socket) {
  const auto core = core_;
  finish(nullptr, {});
  core->open(new StreamTransport(std::move(socket)));
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
  finish(std::make_exception_ptr(error), error.code());
}

SLUICE_DECL void Connector::finish(std::exception_ptr error, const error_code& ec) {
  if (!handler_) return;
  const auto self = shared_from_this();
  Handler handler = std::move(handler_);
  delay_.stop();
  deadline_.stop();
  if (resolver_) resolver_->cancel();
  lookupCancelled_.emit(asio::cancellation_type::terminal);
  for (Attempt& attempt : attempts_) {
    error_code ignored;
    attempt.socket.close(ignored);
  }
  if (core_) {
    core_->setObserver(nullptr);
    if (error) core_->destroy(ec);
  }
  handler.post(loop_->executor(), std::move(error));
}

}  // namespace detail

SLUICE_DECL task<Socket> connect(const ConnectionOptions& named) {
  detail::Connector::validate(named);
  return detail::Connector::run(std::make_shared<const ConnectionOptions>(named));
}

}  // namespace sluice::net
