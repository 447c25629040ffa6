// SPDX-License-Identifier: BSL-1.0
//
// What a FetchRequest holds.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <sluice/http/headers.hpp>
#include <sluice/http/url.hpp>
#include <sluice/https/options.hpp>
#include <sluice/task.hpp>
#include <string>

namespace sluice {

class CookieJar;

/// What becomes of a redirect: it is followed, given to the caller, or an error.
enum class Redirect { follow, manual, error };

namespace http {
class Agent;
class ClientRequest;
}  // namespace http

namespace detail {

struct FetchOptions {
  std::string method;  // "": by the body
  http::Headers headers;
  std::optional<std::string> body;
  std::function<task<>(http::ClientRequest&)> writeBody;
  std::chrono::milliseconds timeout{};
  std::chrono::milliseconds connectTimeout{};
  asio::cancellation_slot signal;
  Redirect redirect = Redirect::follow;
  int maxRedirects = 20;
  bool allowDowngrade = false;
  int retries = 0;
  std::chrono::milliseconds backoff{};
  bool decompress = true;
  http::Agent* agent = nullptr;
  CookieJar* cookies = nullptr;
  std::optional<http::URL> proxy;
  https::ClientOptions tls;
};

}  // namespace detail
}  // namespace sluice
