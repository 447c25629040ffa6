// SPDX-License-Identifier: BSL-1.0
//
// What an orchestrator asks: does the program live, and may it get requests.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_HEALTH_HPP
#define SLUICE_WEB_APP_HEALTH_HPP

#include <functional>
#include <memory>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string>

namespace sluice::http {
class Server;
}

namespace sluice::app {

struct HealthOptions {
  /// 200 as long as the loop runs.
  std::string live = "/livez";
  /// 200 if every check is true and no server shuts down, else 503.
  std::string ready = "/readyz";
};

/// A middleware that answers two paths with `{"status":"ok"}`, or with what is not ready.
///
///     app::Health health = app::health();
///     health.check("database", [&]() -> task<bool> { co_return co_await database.ping(); });
///     router.use(health);
///     health.watch(server);
///
/// Copies are the same health.
class Health {
 public:
  explicit Health(HealthOptions options);

  // There is no moved-from one: moving copies.
  Health(const Health&) = default;
  Health& operator=(const Health&) = default;

  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

  /// Readiness turns false when the server, which must outlive this, was closed or shuts down.
  Health& watch(http::Server& server);
  /// Asked whenever readiness is. One that throws is not ready.
  Health& check(std::string name, std::function<task<bool>()> check);

 private:
  struct State;
  static task<> answerLive(Response& res);
  static task<> answerReady(std::shared_ptr<State> state, Response& res);

  std::shared_ptr<State> state_;  // shared by copies
};

/// router.use(app::health());
inline Health health(HealthOptions options = {}) { return Health(std::move(options)); }

}  // namespace sluice::app

#endif
