// SPDX-License-Identifier: BSL-1.0
//
// Definitions of fetch_exchange.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <sluice/https/connect.hpp>
#include <sluice/https/request.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/web/fetch/cookie_jar.hpp>
#include <sluice/web/fetch/detail/fetch_exchange.hpp>
#include <sluice/web/fetch/detail/redirection.hpp>
#include <utility>

namespace sluice::detail {

SLUICE_DECL FetchExchange::FetchExchange(std::string_view url, FetchOptions options)
    : options_(std::move(options)), url_(url), href_(url_.href()), method_(options_.method) {
  if (url_.protocol() != "http:" && url_.protocol() != "https:") {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_PROTOCOL),
                      "fetch() does not know the protocol \"" + std::string(url_.protocol()) + '"');
  }
  if (method_.empty()) method_ = options_.body || options_.writeBody ? "POST" : "GET";
  if (options_.proxy) proxy_ = proxyOf(*options_.proxy);
}

SLUICE_DECL FetchExchange::~FetchExchange() { dropAttempt(); }

SLUICE_DECL void FetchExchange::dropAttempt() {
  const std::shared_ptr<FetchAttempt> attempt = std::move(attempt_);
  body_.reset();
  // The coroutine that writes its body holds it as well.
  if (attempt && attempt->writing) attempt->request.destroy();
}

struct StopFetch {
  std::weak_ptr<FetchExchange> exchange;
  error_code reason;

  void operator()() const {
    if (const auto alive = exchange.lock()) alive->stop(reason);
  }
  void operator()(asio::cancellation_type) const { (*this)(); }
};

SLUICE_DECL void FetchExchange::watch(const asio::any_io_executor& executor) {
  loop_ = net::detail::Loop::of(executor);
  if (options_.signal.is_connected()) {
    options_.signal.assign(StopFetch{weak_from_this(), make_error_code(http::errc::ABORT_ERR)});
  }
  if (options_.timeout.count() > 0) {
    deadline_.emplace(loop_->executor());
    deadline_->start(options_.timeout,
                     StopFetch{weak_from_this(), make_error_code(boost::system::errc::timed_out)});
  }
}

SLUICE_DECL void FetchExchange::stop(const error_code& reason) {
  if (reason_) return;
  reason_ = reason;
  if (pause_) pause_->stop();
  if (attempt_) attempt_->request.destroy(reason);
}

SLUICE_DECL void FetchExchange::throwIfStopped() const {
  if (!reason_) return;
  const bool late = reason_ == boost::system::errc::timed_out;
  // Without what may be a secret: passwords and queries.
  const std::string place = url_.origin() + std::string(url_.pathname());
  throw http::Error(reason_, late ? "fetch " + place + " took too long" : std::string());
}

// What has ended the exchange counts, not how it ended.
SLUICE_DECL void FetchExchange::throwReason(const std::exception_ptr& failure) const {
  throwIfStopped();
  if (attempt_ && attempt_->writeFailure) std::rethrow_exception(attempt_->writeFailure);
  std::rethrow_exception(failure);
}

SLUICE_DECL task<> FetchExchange::run() {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  watch(executor);
  bool done = false;
  while (!done) {
    std::exception_ptr failure;
    try {
      co_await attempt();
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) {
      done = co_await retryAfterFailure(failure);
    } else {
      done = co_await settle();
    }
  }
  if (options_.decompress) {
    body_.emplace(attempt_->message, compress::Limits{.size = 0, .ratio = 100});
  }
}

SLUICE_DECL task<> FetchExchange::attempt() {
  throwIfStopped();
  const auto made = std::make_shared<FetchAttempt>();
  made->request = makeRequest(made);
  // A Content-Length of the user's that is too short would let the rest pass for a request.
  made->request.strictContentLength = true;
  attempt_ = made;
  if (options_.writeBody) {
    startWriting(made);
  } else if (options_.body) {
    made->request.end(std::string_view(*options_.body));
  } else {
    made->request.end();
  }
  made->message = co_await made->request.response();
}

inline error_code codeOf(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code();
  } catch (...) {
    return {};
  }
}

// true: there is nothing more to do. It throws if there is no other try.
SLUICE_DECL task<bool> FetchExchange::retryAfterFailure(std::exception_ptr failure) {
  if (reason_ || !mayRetry() || !isTransient(codeOf(failure))) throwReason(failure);
  dropAttempt();
  co_await pause(backoff());
  co_return false;
}

SLUICE_DECL task<bool> FetchExchange::settle() {
  throwIfStopped();
  const http::Headers& headers = attempt_->message.headers();
  const int status = attempt_->message.statusCode();
  if (options_.cookies != nullptr) options_.cookies->store(url_, headers);
  if (isTransient(status) && mayRetry()) {
    const auto asked = retryAfter(headers["retry-after"], std::chrono::system_clock::now())
                           .value_or(std::chrono::milliseconds(0));
    if (asked <= std::chrono::minutes(5)) {
      dropAttempt();
      const std::chrono::milliseconds wait = std::max(backoff(), asked);
      co_await pause(wait);
      co_return false;
    }
  }
  if (!isRedirect(status) || options_.redirect == Redirect::manual) co_return true;
  if (options_.redirect == Redirect::error) {
    throw http::Error(make_error_code(http::errc::ERR_UNEXPECTED_REDIRECT));
  }
  const auto location = headers.get("location");
  if (!location) co_return true;
  redirect(std::string(*location), status);
  dropAttempt();
  co_return false;
}

SLUICE_DECL bool FetchExchange::mayRetry() const {
  return tries_ < options_.retries && !options_.writeBody && http::detail::isIdempotent(method_);
}

SLUICE_DECL std::chrono::milliseconds FetchExchange::backoff() {
  constexpr std::chrono::milliseconds most = std::chrono::minutes(1);
  auto wait = options_.backoff;
  for (int i = 0; i < tries_ && wait < most; ++i) wait *= 2;
  ++tries_;
  return std::clamp(wait, std::chrono::milliseconds(0), std::max(most, options_.backoff));
}

SLUICE_DECL task<> FetchExchange::pause(std::chrono::milliseconds wait) {
  error_code ec;
  pause_.emplace(loop_->executor());
  try {
    co_await pause_->wait(wait);
  } catch (const boost::system::system_error& error) {
    ec = error.code();
  }
  pause_.reset();
  throwIfStopped();
  if (ec) throw http::Error(ec);
}

SLUICE_DECL void FetchExchange::redirect(const std::string& location, int status) {
  if (++redirects_ > options_.maxRedirects) {
    throw http::Error(make_error_code(http::errc::ERR_TOO_MANY_REDIRECTS));
  }
  http::URL target = redirectTarget(url_, location);
  if (url_.protocol() == "https:" && target.protocol() == "http:" && !options_.allowDowngrade) {
    throw http::Error(make_error_code(http::errc::ERR_INSECURE_REDIRECT));
  }
  if (becomesGet(status, method_)) {
    method_ = "GET";
    options_.body.reset();
    options_.writeBody = nullptr;
    removeBodyHeaders(options_.headers);
  } else if (options_.writeBody) {
    throw http::Error(make_error_code(http::errc::ERR_BODY_NOT_REPEATABLE));
  }
  if (target.origin() != url_.origin()) {
    removeSecrets(options_.headers);
    https::ClientOptions& tls = options_.tls;
    tls.key = {};
    tls.cert = {};
    tls.pfx.clear();
    tls.passphrase.clear();
    tls.session.clear();
    tls.servername.reset();
    tls.secureContext = {};
  }
  url_ = std::move(target);
  href_ = url_.href();
}

SLUICE_DECL http::Headers FetchExchange::headersToSend() const {
  http::Headers headers = options_.headers;
  if (!headers.has("accept")) headers.set("Accept", "*/*");
  // A part of an encoded body could not be decoded.
  if (options_.decompress && !headers.has("accept-encoding") && !headers.has("range")) {
    std::string accepted = "gzip, deflate";
    if (isBuiltIn(compress::Coding::br)) accepted += ", br";
    if (isBuiltIn(compress::Coding::zstd)) accepted += ", zstd";
    headers.set("Accept-Encoding", accepted);
  }
  if (options_.cookies != nullptr) {
    std::string cookies(headers["cookie"]);
    const std::string kept = options_.cookies->header(url_);
    if (!cookies.empty() && !kept.empty()) cookies += "; ";
    cookies += kept;
    if (!cookies.empty()) headers.set("Cookie", cookies);
  }
  return headers;
}

template <class Options>
void copyTls(const https::ClientOptions& from, Options& to) {
  to.key = from.key;
  to.cert = from.cert;
  to.ca = from.ca;
  to.pfx = from.pfx;
  to.passphrase = from.passphrase;
  to.servername = from.servername;
  to.rejectUnauthorized = from.rejectUnauthorized;
  to.minVersion = from.minVersion;
  to.maxVersion = from.maxVersion;
  to.ciphers = from.ciphers;
  to.ecdhCurve = from.ecdhCurve;
  to.sigalgs = from.sigalgs;
  to.dhparam = from.dhparam;
  to.honorCipherOrder = from.honorCipherOrder;
  to.crl = from.crl;
  to.secureOptions = from.secureOptions;
  to.sessionIdContext = from.sessionIdContext;
  to.ALPNProtocols = from.ALPNProtocols;
  to.checkServerIdentity = from.checkServerIdentity;
  to.session = from.session;
  to.handshakeTimeout = from.handshakeTimeout;
  to.secureContext = from.secureContext;
}

/// How a connection through a tunnel is opened.
struct FetchTunnel {
  Proxy proxy;
  bool secure;
  https::ClientOptions tls;
};

SLUICE_DECL task<net::Socket> connectByTunnel(std::shared_ptr<const FetchTunnel> tunnel,
                                              net::ConnectionOptions options) {
  options.host = std::string(bareHost(options.host));
  net::Socket socket = co_await connectThrough(tunnel->proxy, options);
  if (!tunnel->secure) co_return socket;
  https::ConnectionOptions secure;
  copyTls(tunnel->tls, secure);
  secure.host = options.host;
  net::Socket encrypted = co_await https::connect(std::move(socket), secure);
  co_return encrypted;
}

SLUICE_DECL http::CreateConnection FetchExchange::tunnelOpener() const {
  auto tunnel = std::make_shared<const FetchTunnel>(
      FetchTunnel{*proxy_, url_.protocol() == "https:", options_.tls});
  return [tunnel = std::move(tunnel)](const net::ConnectionOptions& options) {
    return connectByTunnel(tunnel, options);
  };
}

SLUICE_DECL http::ClientRequest FetchExchange::makeRequest(
    const std::shared_ptr<FetchAttempt>& attempt) const {
  const bool secure = url_.protocol() == "https:";
  const bool tunnels = proxy_ && (secure || proxy_->isSocks);
  http::Agent* agent = options_.agent;
  if (agent == nullptr || tunnels || agent->protocol != url_.protocol()) {
    attempt->agents = fetchAgents(loop_->executor(), proxy_ ? proxy_->key() : std::string());
    agent = &attempt->agents->plain;
    if (secure) agent = &attempt->agents->secure;
  }
  const auto fill = [&](auto& options) {
    options.agent = *agent;
    options.method = method_;
    options.headers = headersToSend();
    options.retryStale = true;
    options.connectTimeout = options_.connectTimeout;
    if (tunnels) options.createConnection = tunnelOpener();
  };
  if (secure) {
    https::RequestOptions options;
    copyTls(options_.tls, options);
    fill(options);
    return https::request(loop_->executor(), url_, std::move(options));
  }
  http::RequestOptions options;
  fill(options);
  if (!proxy_ || tunnels) return http::request(loop_->executor(), url_, std::move(options));

  // RFC 9112 3.2.2: a proxy is told the whole URL.
  options.hostname = proxy_->host;
  options.port = proxy_->port;
  options.path = "http://" + url_.host() + std::string(url_.pathname()) + url_.search();
  if (!options.headers.has("host")) options.headers.set("Host", url_.host());
  if (const std::string value = proxy_->authorization(); !value.empty()) {
    options.headers.set("Proxy-Authorization", value);
  }
  if (!url_.username().empty() || !url_.password().empty()) {
    options.auth = percentDecoded(url_.username()) + ':' + percentDecoded(url_.password());
  }
  return http::request(loop_->executor(), std::move(options));
}

// Nothing more leaves, and the exchange ends by itself: the server may have answered before.
inline bool isBroken(const http::ClientRequest& request) {
  const net::Socket* socket = request.socket();
  return socket != nullptr && net::detail::SocketAccess::core(*socket)->output().failure();
}

SLUICE_DECL task<> writeBody(std::shared_ptr<FetchAttempt> attempt,
                             std::function<task<>(http::ClientRequest&)> write) {
  try {
    co_await write(attempt->request);
    if (!attempt->request.writableEnded()) attempt->request.end();
  } catch (...) {
    attempt->writeFailure = std::current_exception();
  }
  attempt->writing = false;
  if (attempt->writeFailure && !isBroken(attempt->request)) attempt->request.destroy();
}

SLUICE_DECL void FetchExchange::startWriting(const std::shared_ptr<FetchAttempt>& attempt) {
  attempt->writing = true;
  asio::co_spawn(loop_->executor(), writeBody(attempt, options_.writeBody),
                 [](std::exception_ptr) {});
}

SLUICE_DECL task<std::optional<std::string_view>> FetchExchange::read(
    std::shared_ptr<FetchExchange> self) {
  self->throwIfStopped();
  std::optional<std::string_view> piece;
  std::exception_ptr failure;
  try {
    if (self->body_) {
      piece = co_await self->body_->read();
    } else {
      piece = co_await self->attempt_->message.read();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) self->throwReason(failure);
  if (!piece) self->deadline_.reset();
  co_return piece;
}

SLUICE_DECL task<std::string> FetchExchange::text(std::shared_ptr<FetchExchange> self,
                                                  std::size_t limit) {
  std::string text;
  while (const auto piece = co_await read(self)) {
    if (piece->size() > limit - text.size()) {
      throw http::Error(make_error_code(http::errc::ERR_BODY_TOO_LARGE));
    }
    text.append(*piece);
  }
  co_return text;
}

}  // namespace sluice::detail
