// SPDX-License-Identifier: BSL-1.0
//
// Numbers about a server in the text format of Prometheus.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_METRICS_HPP
#define SLUICE_WEB_APP_METRICS_HPP

#include <cstddef>
#include <memory>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {
class Agent;
class Server;
}  // namespace sluice::http

namespace sluice::app {

struct MetricsOptions {
  /// Where the numbers are read. Empty: nowhere, see Metrics::text().
  std::string path = "/metrics";
  /// Upper bounds of the histogram of durations, in seconds and ascending.
  std::vector<double> buckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                 0.25,  0.5,    1,     2.5,  5,     10};
  /// How many series of method, route and status are kept; further ones are counted as "other".
  std::size_t maxSeries = 2000;
};

/// A middleware, to be used before all others. It counts every request by method, pattern of its
/// route and status, measures durations and bytes, and answers `GET /metrics`.
///
///     app::Metrics metrics = app::metrics();
///     router.use(metrics);
///     metrics.watch(server);
///
/// Copies are the same metrics.
class Metrics {
 public:
  explicit Metrics(MetricsOptions options);

  // There is no moved-from one: moving copies.
  Metrics(const Metrics&) = default;
  Metrics& operator=(const Metrics&) = default;

  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

  /// Adds the open connections of a server, which must outlive this.
  Metrics& watch(http::Server& server);
  /// Adds the sockets and waiting requests of an agent, which must outlive this.
  Metrics& watch(std::string name, http::Agent& agent);

  /// All numbers. The lag of the event loop is measured when they are read over HTTP.
  std::string text() const;

 private:
  struct State;
  static task<> answer(std::shared_ptr<State> state, Response& res);

  std::shared_ptr<State> state_;  // shared by copies and by requests that have not ended
};

/// router.use(app::metrics());
inline Metrics metrics(MetricsOptions options = {}) { return Metrics(std::move(options)); }

}  // namespace sluice::app

#endif
