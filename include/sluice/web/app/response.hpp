// SPDX-License-Identifier: BSL-1.0
//
// A response as handlers of a router see it: short ways to send what is sent most.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_RESPONSE_HPP
#define SLUICE_WEB_APP_RESPONSE_HPP

#include <concepts>
#include <filesystem>
#include <sluice/http/server_response.hpp>
#include <sluice/task.hpp>
#include <sluice/web/app/cookie_options.hpp>
#include <sluice/web/app/event_stream.hpp>
#include <sluice/web/app/send_file_options.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::app {

/// A value of a JSON library: `serialize(value)`, found as Boost.JSON's is, or `value.dump()`, as
/// nlohmann/json has it, makes its text.
template <class T>
concept JsonBySerialize = !std::convertible_to<const T&, std::string> && requires(const T& value) {
  { serialize(value) } -> std::convertible_to<std::string>;
};
template <class T>
concept JsonByDump = requires(const T& value) {
  { value.dump() } -> std::convertible_to<std::string>;
};

/// Text that is JSON already, and no std::string.
template <class T>
concept JsonText = std::convertible_to<const T&, std::string_view> &&
                   !std::convertible_to<const T&, std::string> && !JsonBySerialize<T>;

/// The answer to one request. Calls that return a Response chain:
///
///     co_await res.status(201).json(json::serialize(todo));
class Response : public http::ServerResponse, public http::OutgoingCalls<Response> {
 public:
  using http::OutgoingCalls<Response>::setHeader, http::OutgoingCalls<Response>::appendHeader,
      http::OutgoingCalls<Response>::setHeaders, http::OutgoingCalls<Response>::setTimeout;

  /// Sets the status that the head will have.
  Response& status(int code);
  /// Sets the Content-Type: "json", "html", or a whole media type.
  Response& type(std::string_view nameOrType);

  /// Adds a Set-Cookie. The value is percent-encoded if a cookie cannot hold it as it is;
  /// Request::cookie() decodes it.
  ///
  /// throws  ERR_INVALID_ARG_VALUE for a name, path or domain that no cookie can have, and for
  ///         `SameSite::none` or `partitioned` without `secure`
  Response& cookie(std::string_view name, std::string_view value, CookieOptions options = {});
  /// Makes the browser forget a cookie. Path and domain must be those that it was set with.
  Response& clearCookie(std::string_view name, CookieOptions options = {});

  /// Sends JSON and ends. The type is application/json unless one was set.
  WriteResult json(std::string text);
  template <class T>
    requires JsonText<T> || JsonBySerialize<T> || JsonByDump<T>
  WriteResult json(const T& value) {
    if constexpr (JsonText<T>) {
      return json(std::string(static_cast<std::string_view>(value)));
    } else if constexpr (JsonBySerialize<T>) {
      return json(std::string(serialize(value)));
    } else {
      return json(std::string(value.dump()));
    }
  }
  /// Sends HTML and ends.
  WriteResult html(std::string_view text);
  /// Sends plain text and ends.
  WriteResult text(std::string_view text);
  /// Sends the client elsewhere. What no URL can hold is percent-encoded.
  ///
  /// throws  ERR_INVALID_ARG_VALUE for a status that is no redirect
  WriteResult redirect(std::string_view url, int status = 302);

  /// Sends a file, or the parts of it that the client asks for, and ends.
  ///
  /// Conditional requests are answered 304 and 412, ranges 206 and 416, as long as the status is
  /// 200. Blocking reads happen on threads of their own, and memory does not depend on the file's
  /// size. A file that changes meanwhile closes the connection. The path is taken as it is: what a
  /// client names goes through staticFiles().
  ///
  /// throws  HttpError: 404 if there is no such file, 403 if it may not be read
  task<> sendFile(const std::filesystem::path& path, SendFileOptions options = {});

  /// Begins a stream of server-sent events: the head goes out now. To HEAD that is all, and the
  /// handler ends: this throws what the router takes as a return.
  EventStream events(EventStreamOptions options = {});
};

}  // namespace sluice::app

#endif
