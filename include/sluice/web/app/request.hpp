// SPDX-License-Identifier: BSL-1.0
//
// A request as handlers of a router see it: its path, names, query, cookies, and who sent it.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_REQUEST_HPP
#define SLUICE_WEB_APP_REQUEST_HPP

#include <concepts>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <sluice/http/incoming_message.hpp>
#include <sluice/task.hpp>
#include <sluice/web/app/detail/routing.hpp>
#include <sluice/web/app/form_limits.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::app {

class Form;
class FormPart;

namespace detail {
struct RequestAccess;
}

/// A received request. Made by the server, and lent to handlers until they return.
class Request : public http::IncomingMessage {
 public:
  Request() = default;
  Request(Request&&) = delete;

  /// The path in plain text, without the query: percent-encoding is decoded, "." and ".." are
  /// resolved, repeated slashes are one. url() stays as it was sent. Empty if the target is
  /// malformed, which a router answers with 400.
  std::string_view path() const;
  /// The part of path() that a middleware's prefix matched, until it calls next(): "/static".
  std::string_view basePath() const;
  /// The pattern of the route that was found: "/users/:id". Empty if none was.
  std::string_view route() const;
  /// The value of a name in the pattern, decoded; "" if there is none. The names of the route come
  /// first, and then those in the prefixes of middleware. But a middleware sees those in its own
  /// prefix first, until it calls next().
  std::string_view param(std::string_view name) const;

  /// The first value of `name` in the query, decoded; nullopt if it is not there.
  std::optional<std::string> query(std::string_view name) const;
  /// Every value of `name` in the query.
  std::vector<std::string> queryAll(std::string_view name) const;
  /// A cookie's value, decoded if it is percent-encoded.
  std::optional<std::string_view> cookie(std::string_view name) const;

  /// Who sent the request: the peer's address, or if that is a trusted proxy, the address that it
  /// names; see Router::trustProxy().
  std::string ip() const;
  /// "http" or "https".
  std::string protocol() const;
  /// Host and port as the client named them.
  std::string host() const;

  /// Whether the Content-Type is this one: "json", "text/html", "text/*", "+json".
  bool is(std::string_view type) const;
  /// Which of these types the client wants most, "" if none. Among equals the one that its Accept
  /// header names more closely, then the one that comes first there, then the first one here. A
  /// range with parameters is for types with the same ones: `text/html;level=1`.
  ///
  ///     if (req.accepts({"html", "json"}) == "json") …
  std::string_view accepts(std::initializer_list<std::string_view> types) const;
  /// The same without braces, which g++ 12 does not compile in a statement with `co_await`.
  template <std::convertible_to<std::string_view>... More>
  std::string_view accepts(std::string_view first, std::string_view second,
                           const More&... more) const {
    return accepts({first, second, std::string_view(more)...});
  }

  /// The fields and files of a submitted form, urlencoded or multipart, all of it in memory.
  ///
  /// throws  HttpError: 415 for another type, 400 for a malformed body, 413 past a limit
  task<Form> form(FormLimits limits = {});
  /// Calls `each` for every part of a multipart form, as it arrives. What it leaves unread is
  /// skipped. The client is held back while it waits.
  ///
  /// throws  as form(); what `each` throws
  task<> parts(std::function<task<>(FormPart&)> each, FormLimits limits = {});

  /// An object that middleware and handlers of this request share, by its type. Made when it is
  /// first asked for.
  ///
  ///     req.locals<User>().name = "ada";
  template <class T>
  T& locals() {
    static const char key = 0;
    for (Local* local = locals_.get(); local != nullptr; local = local->next.get()) {
      if (local->key == &key) return static_cast<LocalOf<T>*>(local)->value;
    }
    auto made = std::make_unique<LocalOf<T>>();
    made->key = &key;
    made->next = std::move(locals_);
    T& value = made->value;
    locals_ = std::move(made);
    return value;
  }

 private:
  friend struct detail::RequestAccess;

  // What locals() has made, the latest first.
  struct Local : detail::Recycled {
    Local() = default;
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    virtual ~Local() = default;

    const void* key = nullptr;
    std::unique_ptr<Local> next;
  };
  template <class T>
  struct LocalOf final : Local {
    T value{};
  };

  detail::Routing& routing() const;
  bool trustsPeer() const;
  bool isEncrypted() const;

  mutable detail::Routing routing_;
  mutable std::forward_list<std::string> decoded_;  // what cookie() has given views of
  std::unique_ptr<Local> locals_;
};

namespace detail {

/// What the library asks of a Request.
struct RequestAccess {
  static Routing& routing(const Request& req) { return req.routing(); }
  /// Whether protocol() is "https".
  static bool isEncrypted(const Request& req) { return req.isEncrypted(); }
};

}  // namespace detail

}  // namespace sluice::app

#endif
