// SPDX-License-Identifier: BSL-1.0
//
// Definitions of connect.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <sluice/https/connect.hpp>
#include <sluice/https/detail/handshake.hpp>
#include <sluice/timer.hpp>
#include <utility>

namespace sluice::https {

namespace detail {

inline bool isAddress(const std::string& host) {
  error_code ec;
  static_cast<void>(asio::ip::make_address(host, ec));
  return !ec;
}

SLUICE_DECL std::shared_ptr<TlsPolicy> clientPolicy(const ClientOptions& options,
                                                    const std::string& host,
                                                    const SecureContext& context) {
  auto policy = std::make_shared<TlsPolicy>();
  policy->rejectUnauthorized = options.rejectUnauthorized;
  policy->context = SecureContextAccess::get(context);
  policy->protocols = protocolList(options.ALPNProtocols);
  policy->handshakeTimeout = options.handshakeTimeout;
  policy->checkServerIdentity = options.checkServerIdentity;
  policy->session = options.session;
  std::string name = options.servername.value_or("");
  if (name.empty()) name = host.empty() ? "localhost" : host;
  // RFC 9525 §6.3: a name that ends in a dot is the same name. RFC 6066 §3: SNI has none.
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  policy->identity = name;
  // RFC 6066 §3: no addresses.
  const bool silent = options.servername && options.servername->empty();
  if (!silent && !isAddress(name)) policy->servername = name;
  return policy;
}

/// The socket that is connected first. If somebody has to see the outer one meanwhile, it ends
/// with that.
class InnerSocket final : public net::detail::SocketObserver, public net::detail::ConnectHook {
 public:
  explicit InnerSocket(net::detail::Loop& loop)
      : core_(new net::detail::SocketCore(loop.shared_from_this(), 0)) {}

  boost::intrusive_ptr<net::detail::SocketCore> onConnecting() override { return core_; }
  void onGone(const error_code&) override { core_->destroy(); }

 private:
  boost::intrusive_ptr<net::detail::SocketCore> core_;
};

// More than this before the end of its head is no answer of a proxy.
inline constexpr std::size_t largestTunnelAnswer = 16 * 1024;

/// Ends an attempt that a proxy does not answer in time.
struct EndLate {
  net::Socket* socket;
  void operator()() const { socket->destroy(make_error_code(boost::system::errc::timed_out)); }
};

/// RFC 9110 §9.3.6.
///
/// throws  ERR_PROXY_TUNNEL for another answer than 200
SLUICE_DECL task<> openTunnel(net::Socket& proxy, TunnelRequest request,
                              std::chrono::milliseconds patience) {
  // For all of it: a proxy may send its answer byte by byte.
  Timer limit(co_await asio::this_coro::executor);
  if (patience.count() > 0) limit.start(patience, EndLate{&proxy});
  proxy.write(request);
  http::detail::MessageParser parser(http::detail::MessageParser::Kind::response);
  http::detail::ParserLimits limits;
  limits.maxHeaderSize = largestTunnelAnswer;
  parser.reset(limits);
  parser.setRequestMethod("CONNECT");
  std::string answer;
  auto status = http::detail::MessageParser::Status::needMore;
  while (status == http::detail::MessageParser::Status::needMore) {
    const auto piece = co_await proxy.read();
    if (!piece) break;
    answer += *piece;
    status = parser.parseHead(answer);
  }
  limit.stop();
  if (status == http::detail::MessageParser::Status::complete && parser.statusCode() == 200 &&
      parser.consumed() == answer.size()) {
    co_return;
  }
  std::string what = "The proxy did not open a tunnel";
  if (status == http::detail::MessageParser::Status::complete) {
    what += ": it answered " + std::to_string(parser.statusCode());
  }
  throw http::Error(make_error_code(http::errc::ERR_PROXY_TUNNEL), what);
}

SLUICE_DECL task<net::Socket> connectTls(net::ConnectionOptions options,
                                         std::shared_ptr<const TlsPolicy> policy,
                                         TunnelRequest tunnel) {
  const auto loop = net::detail::Loop::of(co_await asio::this_coro::executor);
  net::detail::ConnectHook* const outside = options.hook;
  const auto inner = std::make_shared<InnerSocket>(*loop);
  boost::intrusive_ptr<net::detail::SocketCore> core;
  if (outside != nullptr) {
    core = outside->onConnecting();
  } else {
    core = new net::detail::SocketCore(loop, options.highWaterMark);
  }
  net::Socket outer = net::detail::SocketAccess::make(core);
  core->setObserver(inner);
  options.hook = inner.get();
  std::exception_ptr failure;
  error_code ec;
  try {
    net::Socket connected = co_await net::connect(options);
    if (!tunnel.empty()) co_await openTunnel(connected, tunnel, policy->handshakeTimeout);
    core->setObserver(nullptr);
    if (core->destroyed()) throw http::Error(asio::error::operation_aborted);
    auto below = net::detail::SocketAccess::core(connected)->releaseTransport();
    sluice::detail::emit<net::SocketEvents, "connect">(core->listeners());
    co_await handshake(core, std::move(below), std::string(), std::move(policy));
  } catch (const http::Error& error) {
    ec = error.code();
    failure = std::current_exception();
  }
  if (!failure && core->destroyed()) {
    failure = std::make_exception_ptr(http::Error(asio::error::operation_aborted));
  }
  if (!failure) {
    sluice::detail::emit<net::SocketEvents, "secureConnect">(core->listeners());
    co_return outer;
  }
  core->setObserver(nullptr);
  core->destroy(ec);
  std::rethrow_exception(failure);
}

inline SecureContext contextOf(const ClientOptions& options) {
  if (options.secureContext) return options.secureContext;
  return createSecureContext(secureContextOptions(options));
}

}  // namespace detail

SLUICE_DECL task<net::Socket> connect(const ConnectionOptions& named) {
  const detail::ClientOptions options = detail::clientOptions(named);
  return detail::connectTls(detail::withoutTls(named),
                            detail::clientPolicy(options, named.host, detail::contextOf(options)));
}

SLUICE_DECL task<net::Socket> connect(net::Socket socket, const ConnectionOptions& named) {
  const detail::ClientOptions options = detail::clientOptions(named);
  const std::shared_ptr<const detail::TlsPolicy> policy =
      detail::clientPolicy(options, named.host, detail::contextOf(options));
  co_await detail::handshake(net::detail::SocketAccess::core(socket), policy);
  sluice::detail::emit<net::SocketEvents, "secureConnect">(
      net::detail::SocketAccess::core(socket)->listeners());
  co_return socket;
}

}  // namespace sluice::https
