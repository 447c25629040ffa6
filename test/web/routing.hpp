// SPDX-License-Identifier: BSL-1.0
//
// Handlers and middleware that say who they are, and what a router answers.
#pragma once

#include <functional>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace routing {

namespace app = sluice::app;
namespace http = sluice::http;
using sluice::task;

// A handler that sends a text and the values of the names in the pattern.
inline auto says(std::string text) {
  return [text = std::move(text)](app::Request& req, app::Response& res) -> task<> {
    std::string body = text;
    for (const char* name : {"id", "post", "path", "from", "to", "lang"}) {
      const std::string_view value = req.param(name);
      if (!value.empty()) body.append(" ").append(name).append("=").append(value);
    }
    co_await res.end(body);
  };
}

inline auto marks(std::string& log, std::string name) {
  return [&log, name = std::move(name)](app::Request&, app::Response&, app::Next next) -> task<> {
    log += name + "(";
    co_await next();
    log += ")";
  };
}

inline std::string get(const app::Router& router, std::string url, std::string method = "GET") {
  const auto res =
      sluice::test::inject(router, {.method = std::move(method), .url = std::move(url)});
  if (res.statusCode == 200) return res.body;
  std::string answer = std::to_string(res.statusCode);
  if (res.headers.has("allow")) answer.append(" ").append(res.headers["allow"]);
  return answer;
}

inline std::string wordsOf(const std::function<void()>& act) {
  try {
    act();
  } catch (const http::Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}
}  // namespace routing
