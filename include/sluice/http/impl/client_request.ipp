// SPDX-License-Identifier: BSL-1.0
//
// Definitions of client_request.hpp.
#pragma once

#include <boost/asio/this_coro.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/detail/client/exchange.hpp>

namespace sluice::http {

SLUICE_DECL ClientRequest::ClientRequest() = default;

SLUICE_DECL ClientRequest::ClientRequest(Executor executor, RequestOptions&& options)
    : ClientRequest(detail::ClientExchange::of(executor.get(), std::move(options))) {}

SLUICE_DECL ClientRequest::ClientRequest(boost::intrusive_ptr<detail::ClientExchange> exchange)
    : exchange_(std::move(exchange)) {
  exchange_->begin();
  state_ = exchange_->outgoing();
  exchange_->handle = this;
  exchange_->start();
}

SLUICE_DECL ClientRequest::ClientRequest(ClientRequest&& other) noexcept
    : OutgoingMessageOf(std::move(other)),
      maxHeadersCount(other.maxHeadersCount),
      exchange_(std::move(other.exchange_)) {
  if (exchange_) exchange_->handle = this;
}

SLUICE_DECL ClientRequest& ClientRequest::operator=(ClientRequest&& other) noexcept {
  if (this == &other) return *this;
  release();
  maxHeadersCount = other.maxHeadersCount;
  exchange_ = std::move(other.exchange_);
  OutgoingMessageOf::operator=(std::move(other));
  if (exchange_) exchange_->handle = this;
  return *this;
}

SLUICE_DECL ClientRequest::~ClientRequest() { release(); }

SLUICE_DECL void ClientRequest::release() {
  if (!exchange_) return;
  exchange_->handleIsGone();
  // First: what nobody looks at is used again.
  state_ = nullptr;
  exchange_ = nullptr;
}

namespace detail {

SLUICE_DECL RequestOptions mergeUrl(const URL& url, RequestOptions options) {
  if (options.host.empty() && options.hostname.empty()) options.hostname = url.hostname();
  if (options.port == 0 && !url.port().empty()) {
    options.port = static_cast<std::uint16_t>(std::stoi(std::string(url.port())));
  }
  if (options.path == "/") options.path = std::string(url.pathname()) + url.search();
  if (options.protocol == "http:") options.protocol = url.protocol();
  if (options.auth.empty() && !(url.username().empty() && url.password().empty())) {
    options.auth = percentDecode(url.username()) + ':' + percentDecode(url.password());
  }
  return options;
}

SLUICE_DECL task<IncomingMessage> responseOf(boost::intrusive_ptr<AwaitedExchange> exchange) {
  while (!exchange->answered())
    co_await sluice::detail::Suspend<&AwaitedExchange::whenAnswered>{exchange.get()};
  co_return exchange->takeResponse();
}

}  // namespace detail

SLUICE_DECL task<IncomingMessage> ClientRequest::response() & {
  static_cast<void>(exchange());
  return detail::responseOf(exchange_);
}

SLUICE_DECL void ClientRequest::composeHead(std::optional<std::uint64_t> bodyLength,
                                            bool bodyFollows) {
  exchange_->composeHead(bodyLength, bodyFollows);
}

SLUICE_DECL ClientRequest::Spawner::Spawner(const ClientRequest& request)
    : exchange_(request.exchange_) {}
SLUICE_DECL ClientRequest::Spawner::Spawner(const Spawner&) = default;
SLUICE_DECL ClientRequest::Spawner::~Spawner() = default;

SLUICE_DECL void ClientRequest::Spawner::operator()(task<> listener) const {
  exchange_->spawn(std::move(listener));
}

SLUICE_DECL detail::ClientExchange& ClientRequest::exchange() const {
  if (!exchange_) {
    throw Error(make_error_code(errc::ERR_STREAM_DESTROYED), "The request is empty: it was moved");
  }
  return *exchange_;
}

SLUICE_DECL void ClientRequest::abort() { exchange().abort(); }
SLUICE_DECL bool ClientRequest::aborted() const { return exchange().abortCalled; }
SLUICE_DECL bool ClientRequest::reusedSocket() const { return exchange().reused; }
SLUICE_DECL std::string_view ClientRequest::method() const { return exchange().options().method; }
SLUICE_DECL std::string_view ClientRequest::path() const { return exchange().options().path; }
SLUICE_DECL std::string_view ClientRequest::host() const { return exchange().options().hostname; }
SLUICE_DECL std::string_view ClientRequest::protocol() const {
  return exchange().options().protocol;
}
SLUICE_DECL void ClientRequest::setNoDelay(bool on) { exchange().setNoDelay(on); }
SLUICE_DECL void ClientRequest::setSocketKeepAlive(bool on,
                                                   std::chrono::milliseconds initialDelay) {
  exchange().setKeepAlive(on, initialDelay);
}
SLUICE_DECL ClientRequest request(Executor executor, RequestOptions options) {
  return ClientRequest(std::move(executor), std::move(options));
}
SLUICE_DECL ClientRequest request(Executor executor, const URL& url, RequestOptions options) {
  return request(std::move(executor), detail::mergeUrl(url, std::move(options)));
}
SLUICE_DECL ClientRequest request(Executor executor, const URL& url) {
  return request(std::move(executor), url, RequestOptions());
}
SLUICE_DECL ClientRequest request(Executor executor, std::string_view url, RequestOptions options) {
  return request(std::move(executor), URL(url), std::move(options));
}
SLUICE_DECL ClientRequest request(Executor executor, std::string_view url) {
  return request(std::move(executor), URL(url), RequestOptions());
}

SLUICE_DECL ClientRequest get(Executor executor, RequestOptions options) {
  options.method = "GET";
  ClientRequest made = request(std::move(executor), std::move(options));
  made.end();
  return made;
}
SLUICE_DECL ClientRequest get(Executor executor, const URL& url, RequestOptions options) {
  return get(std::move(executor), detail::mergeUrl(url, std::move(options)));
}
SLUICE_DECL ClientRequest get(Executor executor, const URL& url) {
  return get(std::move(executor), url, RequestOptions());
}
SLUICE_DECL ClientRequest get(Executor executor, std::string_view url, RequestOptions options) {
  return get(std::move(executor), URL(url), std::move(options));
}
SLUICE_DECL ClientRequest get(Executor executor, std::string_view url) {
  return get(std::move(executor), URL(url), RequestOptions());
}

namespace detail {

struct EndOfGet {
  AwaitedExchange* exchange;
  ~EndOfGet() { exchange->endOwn(); }
};

SLUICE_DECL task<IncomingMessage> getThrough(boost::intrusive_ptr<AwaitedExchange> wanted) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const boost::intrusive_ptr<AwaitedExchange> exchange = wanted->beginOwn(executor);
  wanted = nullptr;
  const EndOfGet end{exchange.get()};
  while (!exchange->answered())
    co_await sluice::detail::Suspend<&AwaitedExchange::whenAnswered>{exchange.get()};
  co_return exchange->takeResponse();
}

using FindExchange = boost::intrusive_ptr<AwaitedExchange> (*)(const asio::any_io_executor&,
                                                               RequestOptions&&);

SLUICE_DECL task<IncomingMessage> getNow(FindExchange find, RequestOptions options) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  options.method = "GET";
  co_return co_await getThrough(find(executor, std::move(options)));
}

SLUICE_DECL boost::intrusive_ptr<AwaitedExchange> findExchange(
    const asio::any_io_executor& executor, RequestOptions&& options) {
  return ClientExchange::of(executor, std::move(options));
}

SLUICE_DECL task<IncomingMessage> getNamed(const RequestOptions& named) {
  Agent* agent = AgentAccess::named(named.agent);
  // An agent on a strand may be at work in another thread now: it is asked once the caller is
  // known.
  if (agent == nullptr || !net::detail::Loop::isLasting(agent->get_executor())) {
    return getNow(&findExchange, named);
  }
  boost::intrusive_ptr<ClientExchange> exchange = ClientExchange::of(AgentAccess::state(*agent));
  exchange->wanted().set(named);
  if (named.method != "GET") exchange->wanted().setMethod("GET");
  return getThrough(std::move(exchange));
}

}  // namespace detail

SLUICE_DECL task<IncomingMessage> get(std::string_view url) {
  return detail::getNow(&detail::findExchange, detail::mergeUrl(URL(url), RequestOptions()));
}
SLUICE_DECL task<IncomingMessage> get(std::string_view url, const RequestOptions& named) {
  return detail::getNamed(detail::mergeUrl(URL(url), named));
}
SLUICE_DECL task<IncomingMessage> get(const RequestOptions& named) {
  return detail::getNamed(named);
}

}  // namespace sluice::http
