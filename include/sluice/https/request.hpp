// SPDX-License-Identifier: BSL-1.0
//
// Requests over TLS. They are http's own: only how they are made differs.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/https.hpp>
#endif
#ifndef SLUICE_HTTPS_REQUEST_HPP
#define SLUICE_HTTPS_REQUEST_HPP

#include <concepts>
#include <sluice/http/client_request.hpp>
#include <sluice/https/agent.hpp>
#include <sluice/https/options.hpp>
#include <sluice/task.hpp>
#include <string_view>
#include <utility>

namespace sluice::https {

using http::ClientRequest;
using http::IncomingMessage;

/// Makes a request without ending it. It acts at once; events come later.
///
///     auto req = https::request(loop, "https://example.org/", {.method = "PUT"});
///
/// throws  as http::request(). What is wrong with keys and certificates comes as "error"
ClientRequest request(Executor executor, RequestOptions options);
ClientRequest request(Executor executor, std::string_view url);
ClientRequest request(Executor executor, std::string_view url, RequestOptions options);
ClientRequest request(Executor executor, const http::URL& url);
ClientRequest request(Executor executor, const http::URL& url, RequestOptions options);

/// request() that is ended for you.
///
///     auto req = https::get(loop, "https://example.org/");
ClientRequest get(Executor executor, RequestOptions options);
ClientRequest get(Executor executor, std::string_view url);
ClientRequest get(Executor executor, std::string_view url, RequestOptions options);
ClientRequest get(Executor executor, const http::URL& url);
ClientRequest get(Executor executor, const http::URL& url, RequestOptions options);

namespace detail {

template <class Url>
concept IsUrl = std::convertible_to<const Url&, std::string_view> || std::same_as<Url, http::URL>;

/// What http::request() understands, with an agent of ours.
http::RequestOptions plainOptions(const Executor& executor, const RequestOptions& options);
http::RequestOptions plainOptions(const Executor& executor, const http::URL& url,
                                  const RequestOptions& options);

}  // namespace detail

/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <http::detail::TakesResponse Listener>
ClientRequest request(Executor executor, RequestOptions options, Listener&& listener) {
  ClientRequest made = https::request(std::move(executor), std::move(options));
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <detail::IsUrl Url, http::detail::TakesResponse Listener>
ClientRequest request(Executor executor, const Url& url, Listener&& listener) {
  ClientRequest made = https::request(std::move(executor), url);
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <detail::IsUrl Url, http::detail::TakesResponse Listener>
ClientRequest request(Executor executor, const Url& url, RequestOptions options,
                      Listener&& listener) {
  ClientRequest made = https::request(std::move(executor), url, std::move(options));
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <http::detail::TakesResponse Listener>
ClientRequest get(Executor executor, RequestOptions options, Listener&& listener) {
  ClientRequest made = https::get(std::move(executor), std::move(options));
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <detail::IsUrl Url, http::detail::TakesResponse Listener>
ClientRequest get(Executor executor, const Url& url, Listener&& listener) {
  ClientRequest made = https::get(std::move(executor), url);
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}
/// The same with a listener, which gets the response. It may be a coroutine that returns task<>.
template <detail::IsUrl Url, http::detail::TakesResponse Listener>
ClientRequest get(Executor executor, const Url& url, RequestOptions options, Listener&& listener) {
  ClientRequest made = https::get(std::move(executor), url, std::move(options));
  made.template once<"response">(std::forward<Listener>(listener));
  return made;
}

/// The response to a GET, on the awaiting coroutine's executor.
///
///     auto res = co_await https::get("https://example.org/");
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

}  // namespace sluice::https

#endif
