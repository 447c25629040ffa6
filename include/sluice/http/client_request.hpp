// SPDX-License-Identifier: BSL-1.0
//
// A request that is being made, and the functions that make one.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_CLIENT_REQUEST_HPP
#define SLUICE_HTTP_CLIENT_REQUEST_HPP

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <sluice/http/agent.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/http/outgoing_message.hpp>
#include <sluice/http/request_options.hpp>
#include <sluice/http/url.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <string>
#include <string_view>
#include <type_traits>

namespace sluice::http {

namespace detail {
class ClientExchange;
}

/// A 1xx answer that came before the response.
struct Information {
  /// As the status line says it: "1.1".
  std::string httpVersion;
  /// The first number of the version.
  int httpVersionMajor = 1;
  /// The second number of the version.
  int httpVersionMinor = 1;
  /// 100 to 199, but 101, which is an upgrade.
  int statusCode = 0;
  /// The reason phrase; may be empty.
  std::string statusMessage;
  /// The header lines of this answer only. The response has its own.
  Headers headers;
  std::span<const RawHeader> rawHeaders;  ///< valid during the event
};

/// Takes the response of a request; may be a coroutine that returns task<>.
using ResponseListener = std::function<void(IncomingMessage&)>;

// Begins with OutgoingEvents: what both ends share is emitted by position.
/// The events of a ClientRequest.
using ClientRequestEvents =
    EventList<Event<"prefinish", void()>, Event<"finish", void()>, Event<"close", void()>,
              Event<"drain", void()>, Event<"timeout", void()>, Event<"socket", void(net::Socket&)>,
              Event<"error", void(const Error&)>, Event<"response", void(IncomingMessage&)>,
              Event<"information", void(const Information&)>, Event<"continue", void()>,
              Event<"abort", void()>,
              Event<"connect", void(IncomingMessage&, net::Socket&, std::string_view)>,
              Event<"upgrade", void(IncomingMessage&, net::Socket&, std::string_view)>>;

/// A request. Write its body, end it, await or listen for the response.
///
///     auto req = http::request(loop, "http://example.org/upload", {.method = "POST"});
///     co_await req.end(body);
///     auto res = co_await req.response();
///
/// Movable; destroying one that has not got its response, or is not sent whole, aborts it. So one
/// that is made and dropped in the same statement does not compile.
///
/// A "response" listener may use its reference as long as the request lives; it may move the
/// message out to keep it. If the request goes before, and no listener reads the body or waits for
/// more of it in a coroutine, the rest of the response is thrown away; otherwise the reference ends
/// with the exchange. Afterwards every call on it throws ERR_STREAM_DESTROYED. The object stays in
/// place until 4,096 more responses of the loop were lent; then its memory serves again.
///
/// events  "socket"(net::Socket&) "response"(IncomingMessage&) "information"(const Information&)
///         "continue" "timeout" "abort" "finish" "drain" "error"(const Error&) "close"; "connect"
///         "upgrade" (IncomingMessage&, net::Socket&, std::string_view head), which may move the
///         socket out
class [[nodiscard("keep the request: destroying an unfinished one aborts it")]] ClientRequest
    : public OutgoingMessageOf<ClientRequest, ClientRequestEvents> {
 public:
  /// Empty, as one that was moved from: calls throw ERR_STREAM_DESTROYED.
  ClientRequest();
  ClientRequest(Executor executor, RequestOptions&& options);
  ClientRequest(ClientRequest&&) noexcept;
  ClientRequest& operator=(ClientRequest&&) noexcept;
  SLUICE_DECL ~ClientRequest() override;

  /// Waits for the response's head.
  ///
  /// throws  what "error" brings: ECONNREFUSED, ECONNRESET "socket hang up", HPE_* …
  /// cancel  total: operation_aborted; the request goes on
  task<IncomingMessage> response() &;
  /// A request that is not kept would be gone before its response: name it first.
  task<IncomingMessage> response() && = delete;

  /// As destroy(), and "abort" says so. Deprecated in Node.
  void abort();
  bool aborted() const;
  /// Sent over a connection that had served another request: ECONNRESET may then mean that the
  /// server closed it just before.
  bool reusedSocket() const;

  /// "GET", "POST" and so on, as it is sent.
  std::string_view method() const;
  /// What the request line asks for: path and query.
  std::string_view path() const;
  /// The host that the request is for, without its port.
  std::string_view host() const;
  /// "http:" or "https:".
  std::string_view protocol() const;

  /// Header lines of the response that are kept; more are dropped. 0: all.
  std::size_t maxHeadersCount = 2000;

  /// Applied once there is a connection.
  void setNoDelay(bool on = true);
  void setSocketKeepAlive(bool on = true, std::chrono::milliseconds initialDelay = {});

 private:
  friend sluice::detail::EmitterAccess;
  friend class detail::ClientExchange;

  // Its members are defined where the exchange is.
  class Spawner {
   public:
    explicit Spawner(const ClientRequest& request);
    Spawner(const Spawner&);
    ~Spawner();
    void operator()(task<> listener) const;

   private:
    boost::intrusive_ptr<detail::ClientExchange> exchange_;
  };

  /// Begins and starts the exchange.
  explicit ClientRequest(boost::intrusive_ptr<detail::ClientExchange> exchange);

  /// For coroutines as listeners: their exceptions become "error".
  auto listenerSpawner() const { return Spawner(*this); }
  SLUICE_DECL void composeHead(std::optional<std::uint64_t> bodyLength, bool bodyFollows) override;
  /// throws  ERR_STREAM_DESTROYED for an empty one
  detail::ClientExchange& exchange() const;
  void release();

  boost::intrusive_ptr<detail::ClientExchange> exchange_;
};

namespace detail {

RequestOptions mergeUrl(const URL& url, RequestOptions options);

template <class Listener>
concept TakesResponse = std::invocable<std::decay_t<Listener>&, IncomingMessage&>;

}  // namespace detail

// C++ has no way to refuse a call whose result is dropped: the compiler's warning becomes an error,
// from here on to the end of the file that includes this. A pragma of the file's own undoes it.
#if defined(__GNUC__)
#pragma GCC diagnostic error "-Wunused-result"
#endif

/// Makes a request without ending it. It acts at once; events come later.
///
///     auto req = http::request(loop, "http://example.org/", {.method = "PUT"});
///
/// options  may be made on the spot. g++ before 13 destroys them twice if the statement has a
///          co_await, for instance one that awaits the executor
/// throws  ERR_INVALID_URL, ERR_INVALID_PROTOCOL, ERR_UNESCAPED_CHARACTERS, ERR_INVALID_HTTP_TOKEN,
///         ERR_INVALID_CHAR, ERR_OUT_OF_RANGE for a time below 0
ClientRequest request(Executor executor, RequestOptions options);
ClientRequest request(Executor executor, std::string_view url);
ClientRequest request(Executor executor, std::string_view url, RequestOptions options);
ClientRequest request(Executor executor, const URL& url);
ClientRequest request(Executor executor, const URL& url, RequestOptions options);

/// request() that is ended for you.
///
///     auto req = http::get(loop, "http://example.org/");
ClientRequest get(Executor executor, RequestOptions options);
ClientRequest get(Executor executor, std::string_view url);
ClientRequest get(Executor executor, std::string_view url, RequestOptions options);
ClientRequest get(Executor executor, const URL& url);
ClientRequest get(Executor executor, const URL& url, RequestOptions options);

/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <detail::TakesResponse Listener>
ClientRequest request(Executor executor, RequestOptions options, Listener&& listener) {
  ClientRequest made = request(std::move(executor), std::move(options));
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <class Url, detail::TakesResponse Listener>
  requires(std::convertible_to<const Url&, std::string_view> || std::same_as<Url, URL>)
ClientRequest request(Executor executor, const Url& url, Listener&& listener) {
  ClientRequest made = request(std::move(executor), url);
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <class Url, detail::TakesResponse Listener>
  requires(std::convertible_to<const Url&, std::string_view> || std::same_as<Url, URL>)
ClientRequest request(Executor executor, const Url& url, RequestOptions options,
                      Listener&& listener) {
  ClientRequest made = request(std::move(executor), url, std::move(options));
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <detail::TakesResponse Listener>
ClientRequest get(Executor executor, RequestOptions options, Listener&& listener) {
  options.method = "GET";
  ClientRequest made =
      request(std::move(executor), std::move(options), std::forward<Listener>(listener));
  made.end();
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <class Url, detail::TakesResponse Listener>
  requires(std::convertible_to<const Url&, std::string_view> || std::same_as<Url, URL>)
ClientRequest get(Executor executor, const Url& url, Listener&& listener) {
  ClientRequest made = request(std::move(executor), url, std::forward<Listener>(listener));
  made.end();
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <class Url, detail::TakesResponse Listener>
  requires(std::convertible_to<const Url&, std::string_view> || std::same_as<Url, URL>)
ClientRequest get(Executor executor, const Url& url, RequestOptions options, Listener&& listener) {
  options.method = "GET";
  ClientRequest made =
      request(std::move(executor), url, std::move(options), std::forward<Listener>(listener));
  made.end();
  return made;
}

/// The response to a GET, on the awaiting coroutine's executor.
///
///     auto res = co_await http::get("http://example.org/");
///     std::cout << co_await res.text();
///
/// named   an object with a name; one made in the same statement is refused on g++ before 13, which
///         would destroy it twice
/// throws  as ClientRequest::response(); ETIMEDOUT if the options' timeout passes
/// cancel  terminal: the request is aborted
task<IncomingMessage> get(std::string_view url);
task<IncomingMessage> get(std::string_view url, const RequestOptions& named);
task<IncomingMessage> get(const RequestOptions& named);
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
task<IncomingMessage> get(std::string_view url, RequestOptions&&) = delete;
task<IncomingMessage> get(RequestOptions&&) = delete;
#endif

}  // namespace sluice::http

#endif
