// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/health.hpp>.
#pragma once

#include <deque>
#include <sluice/http/server.hpp>
#include <sluice/web/app/detail/error_answer.hpp>
#include <sluice/web/app/health.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <utility>
#include <vector>

namespace sluice::app {

namespace detail {

inline void addFailedCheck(std::string& list, std::string_view name) {
  if (!list.empty()) list += ',';
  list += jsonString(name);
}

}  // namespace detail

struct Health::State {
  struct Check {
    std::string name;
    std::function<task<bool>()> ask;
  };
  struct Watched {
    http::Server* server;
    bool listened;  // one that never has is not shutting down
  };

  explicit State(HealthOptions given) : options(std::move(given)) {}

  HealthOptions options;
  // Stays in its place while one runs and another is added: what a lambda has captured is in it.
  std::deque<Check> checks;
  std::vector<Watched> servers;
};

SLUICE_DECL Health::Health(HealthOptions options)
    : state_(std::make_shared<State>(std::move(options))) {}

SLUICE_DECL Health& Health::watch(http::Server& server) {
  const std::size_t index = state_->servers.size();
  state_->servers.push_back({&server, server.listening()});
  server.on<"listening">([state = state_, index] { state->servers[index].listened = true; });
  return *this;
}

SLUICE_DECL Health& Health::check(std::string name, std::function<task<bool>()> check) {
  state_->checks.push_back({std::move(name), std::move(check)});
  return *this;
}

SLUICE_DECL task<> Health::operator()(Request& req, Response& res, Next next) const {
  if (req.method() == "GET" || req.method() == "HEAD") {
    if (req.path() == state_->options.live) return answerLive(res);
    if (req.path() == state_->options.ready) return answerReady(state_, res);
  }
  return next();
}

SLUICE_DECL task<> Health::answerLive(Response& res) {
  res.setHeader("Cache-Control", "no-store");
  co_await res.json("{\"status\":\"ok\"}");
}

SLUICE_DECL task<> Health::answerReady(std::shared_ptr<State> state, Response& res) {
  std::string failed;
  for (const State::Watched& watched : state->servers) {
    if (watched.listened && !watched.server->listening())
      detail::addFailedCheck(failed, "shutting down");
  }
  for (std::size_t index = 0; index < state->checks.size(); ++index) {
    bool ready = false;
    try {
      ready = co_await state->checks[index].ask();
    } catch (...) {
      ready = false;
    }
    if (!ready) detail::addFailedCheck(failed, state->checks[index].name);
  }
  res.setHeader("Cache-Control", "no-store");
  std::string text = "{\"status\":\"ok\"}";
  if (!failed.empty()) {
    res.status(503);
    text = "{\"status\":\"not ready\",\"failed\":[" + failed + "]}";
  }
  co_await res.json(std::move(text));
}

}  // namespace sluice::app
