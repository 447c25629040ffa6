// SPDX-License-Identifier: BSL-1.0
//
// What fetch() can be told.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/fetch.hpp>
#endif
#ifndef SLUICE_WEB_FETCH_FETCH_REQUEST_HPP
#define SLUICE_WEB_FETCH_FETCH_REQUEST_HPP

#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <sluice/http/agent.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/https/options.hpp>
#include <sluice/task.hpp>
#include <sluice/web/fetch/cookie_jar.hpp>
#include <sluice/web/fetch/detail/fetch_options.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

namespace detail {
struct FetchRequestAccess;
}

/// A request for fetch(). Calls chain; a copy is independent of the original.
///
///     FetchRequest().method("PUT").header("a", "b").body(text, "text/plain").timeout(5s)
class FetchRequest {
 public:
  FetchRequest();
  FetchRequest(const FetchRequest&);
  FetchRequest(FetchRequest&&) noexcept;
  FetchRequest& operator=(const FetchRequest&);
  FetchRequest& operator=(FetchRequest&&) noexcept;
  ~FetchRequest();

  /// Default: GET, and POST with a body. delete, get, head, options, post and put are put in
  /// capitals.
  ///
  /// throws  ERR_INVALID_HTTP_TOKEN, ERR_INVALID_ARG_VALUE for CONNECT
  FetchRequest& method(std::string_view name);
  /// Replaces what has the name.
  ///
  /// throws  ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, as headers()
  FetchRequest& header(std::string_view name, const http::HeaderValue& value);
  FetchRequest& headers(const http::Headers& headers);

  /// Makes the request part of a trace, as `traceparent` and `tracestate`; an empty one does
  /// nothing.
  ///
  ///     FetchRequest().trace(req.locals<app::Trace>())
  template <class Trace>
  FetchRequest& trace(const Trace& trace) {
    if (trace.traceId.empty()) return *this;
    header("traceparent", trace.header());
    if (!trace.state.empty()) header("tracestate", trace.state);
    return *this;
  }

  /// With a Content-Length among the headers that is not its length, fetch() throws
  /// ERR_HTTP_CONTENT_LENGTH_MISMATCH.
  ///
  /// contentType  "": no Content-Type unless a header says one
  FetchRequest& body(std::string&& bytes, std::string_view contentType = {});
  FetchRequest& body(std::string_view bytes, std::string_view contentType = {});
  FetchRequest& body(const char* text, std::string_view contentType = {});
  FetchRequest& body(std::span<const std::byte> bytes, std::string_view contentType = {});
  /// A body that `write` writes, while the response is awaited. The end comes when it returns, what
  /// it throws fetch() throws. It cannot be repeated: nothing is retried, and a redirect that needs
  /// it again is ERR_BODY_NOT_REPEATABLE: 307 and 308, and 301 and 302 unless the method is POST.
  FetchRequest& body(std::function<task<>(http::ClientRequest&)> write);
  /// application/x-www-form-urlencoded.
  FetchRequest& form(const std::vector<std::pair<std::string, std::string>>& fields);

  /// For everything: connecting, redirects, retries and the body of the response; then ETIMEDOUT.
  /// 0, the default: as long as it takes.
  ///
  /// throws  ERR_OUT_OF_RANGE below 0, as the next one and the backoff of retries()
  FetchRequest& timeout(std::chrono::milliseconds whole);
  /// For each connection, with its proxy and its TLS handshake; then ETIMEDOUT. 0, the default: the
  /// system's.
  FetchRequest& connectTimeout(std::chrono::milliseconds each);
  /// A cancellation through it ends everything with ABORT_ERR.
  FetchRequest& signal(asio::cancellation_slot slot);

  /// Default: follow. `error`: ERR_UNEXPECTED_REDIRECT.
  FetchRequest& redirect(Redirect mode);
  /// More are ERR_TOO_MANY_REDIRECTS.
  FetchRequest& maxRedirects(int most = 20);
  /// Whether a redirect may lead from https to http. Default: no, ERR_INSECURE_REDIRECT.
  FetchRequest& allowDowngrade(bool on = true);

  /// How often an idempotent request (GET, HEAD, PUT, DELETE, OPTIONS, TRACE) is repeated after an
  /// error of its connection or an answer 502, 503 or 504. Default: never.
  ///
  /// backoff  the wait before the first repetition, doubled for each one after it. A longer
  ///          Retry-After is obeyed; one of more than five minutes ends the repetitions
  FetchRequest& retries(int most,
                        std::chrono::milliseconds backoff = std::chrono::milliseconds(100));

  /// Whether Accept-Encoding is sent and what comes is decoded. Default: yes. Not sent with Range.
  FetchRequest& decompress(bool on = true);
  /// Used for the requests of its protocol that go to the server itself or to a proxy that needs no
  /// tunnel. It must live until the response is read. Default: one for each loop, with keep-alive.
  FetchRequest& agent(http::Agent& agent);
  /// It must live until fetch() returns.
  FetchRequest& cookies(CookieJar& jar);
  /// "http://user:password@host:port" or "socks5://…", which resolves names itself; "": none.
  ///
  /// throws  ERR_INVALID_URL, ERR_INVALID_ARG_VALUE for another scheme
  FetchRequest& proxy(std::string_view url);
  /// For https. Key, certificate and servername are for the first origin only.
  FetchRequest& tls(https::ClientOptions options);

 private:
  friend struct detail::FetchRequestAccess;

  detail::FetchOptions options_;
};

namespace detail {

/// What the library asks of a FetchRequest.
struct FetchRequestAccess {
  static FetchOptions release(FetchRequest& request) { return std::move(request.options_); }
};

}  // namespace detail

}  // namespace sluice

#endif
