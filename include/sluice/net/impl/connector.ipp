// SPDX-License-Identifier: BSL-1.0
//
// Definitions of connector.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <functional>
#include <sluice/detail/spawn.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/detail/connector.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::net::detail {

// RFC 8305 section 5: how long an address may be silent before the next is tried as well.
inline constexpr std::chrono::milliseconds connectionAttemptDelay{250};

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

SLUICE_DECL void Connector::onLoopEnd() {
  const auto self = shared_from_this();
  const Handler dropped = std::move(handler_);
  attempts_.clear();
}

SLUICE_DECL void Connector::start(Handler handler) {
  handler_ = std::move(handler);
  handler_.onCancel(
      [this](asio::cancellation_type) { fail(http::Error(asio::error::operation_aborted)); });
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
  if (!options_.path.empty()) {
    places_.push_back({.path = options_.path});
    tryNext();
    return;
  }
  error_code ec;
  const auto literal = asio::ip::make_address(host_, ec);
  if (ec) {
    resolve();
  } else {
    resolved({literal});
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
    const error_code ec = asio::error::address_family_not_supported;
    fail(http::Error::connection(ec, "bind", options_.localAddress, options_.localPort));
    return;
  }
  for (const auto& address : alternating(std::move(found))) {
    places_.push_back({.address = address, .port = options_.port});
  }
  tryNext();
}

SLUICE_DECL void Connector::tryNext() {
  while (attempts_.size() < places_.size()) {
    const std::size_t index = attempts_.size();
    attempts_.push_back(prepare(places_[index]));
    Dialer* const dialer = attempts_.back().get();
    if (dialer == nullptr) continue;
    dialer->connect(places_[index],
                    [self = shared_from_this(), index](const error_code& ec,
                                                       boost::intrusive_ptr<Transport> transport) {
                      self->attemptEnded(index, ec, std::move(transport));
                    });
    if (attempts_.size() < places_.size()) loop_->startTimer(delay_, connectionAttemptDelay);
    return;
  }
  const bool pending = std::any_of(attempts_.begin(), attempts_.end(), [](const auto& attempt) {
    return attempt != nullptr && attempt->pending();
  });
  if (!pending) fail(*error_);
}

// No dialer if the system has no socket for the place, or it cannot begin where the options say.
SLUICE_DECL std::unique_ptr<Dialer> Connector::prepare(const Place& place) {
  std::unique_ptr<Dialer> dialer = makeDialer(*loop_);
  if (const error_code ec = dialer->open(place)) {
    remember(failureAt(place, ec));
    return nullptr;
  }
  if (bindLocally(*dialer, place)) return nullptr;
  return dialer;
}

SLUICE_DECL error_code Connector::bindLocally(Dialer& dialer, const Place& remote) {
  if (remote.isUnix() || (!localAddress_ && options_.localPort == 0)) return {};
  Place local{.address = asio::ip::address_v4(), .port = options_.localPort};
  if (remote.address.is_v6()) local.address = asio::ip::address_v6();
  if (localAddress_) local.address = *localAddress_;
  const error_code ec = dialer.bind(local);
  if (ec) remember(http::Error::connection(ec, "bind", local.address.to_string(), local.port));
  return ec;
}

SLUICE_DECL void Connector::attemptEnded(std::size_t index, const error_code& ec,
                                         boost::intrusive_ptr<Transport> transport) {
  if (!handler_) {
    if (transport) transport->close();
    return;
  }
  const auto self = shared_from_this();
  if (!ec) {
    connected(std::move(transport));
    return;
  }
  attempts_[index].reset();
  remember(failureAt(places_[index], ec));
  delay_.stop();
  tryNext();
}

SLUICE_DECL http::Error Connector::failureAt(const Place& place, const error_code& ec) const {
  if (place.isUnix()) return http::Error::connection(ec, "connect", place.path);
  return http::Error::connection(ec, "connect", place.address.to_string(), place.port);
}

// That this machine has no way to one of the addresses says less than what happened to the others.
inline bool saysLittle(const error_code& ec) {
  return ec == asio::error::network_unreachable || ec == asio::error::host_unreachable ||
         ec == asio::error::address_family_not_supported ||
         ec == boost::system::errc::address_not_available;
}

SLUICE_DECL void Connector::remember(http::Error error) {
  if (!error_ || (saysLittle(error_->code()) && !saysLittle(error.code()))) {
    error_ = std::move(error);
  }
}

SLUICE_DECL void Connector::timedOut() {
  const error_code ec = asio::error::timed_out;
  fail(places_.empty() ? http::Error::connection(ec, "connect", host_, options_.port)
                       : failureAt(places_.front(), ec));
}

SLUICE_DECL void Connector::connected(boost::intrusive_ptr<Transport> transport) {
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

}  // namespace sluice::net::detail
