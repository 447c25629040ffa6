// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/metrics.hpp>.
#pragma once

#include <chrono>
#include <cstdint>
#include <iomanip>
#include <locale>
#include <map>
#include <sluice/http/agent.hpp>
#include <sluice/http/server.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/web/app/detail/ending.hpp>
#include <sluice/web/app/metrics.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <sstream>
#include <tuple>
#include <utility>

namespace sluice::app {

namespace detail {

// With a point, whatever the program's language has in its place.
inline std::string number(double value) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << std::setprecision(9) << value;
  return text.str();
}

// A value of a label, with what would end it escaped.
inline std::string labelValue(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out += '\\';
    if (letter == '\n')
      out += "\\n";
    else
      out += letter;
  }
  return out;
}

inline void describeMetric(std::string& out, std::string_view name, std::string_view type,
                           std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

}  // namespace detail

struct Metrics::State {
  struct Series {
    std::uint64_t requests = 0;
    double seconds = 0;
    std::uint64_t received = 0, sent = 0;
    std::vector<std::uint64_t> buckets;
  };
  using Key = std::tuple<std::string, std::string, int>;  // method, route, status

  explicit State(MetricsOptions given) : options(std::move(given)) {}

  Series& seriesOf(std::string_view method, std::string_view route, int status) {
    Key key(method, route, status);
    // Nobody may make the memory grow by asking in ever new ways.
    if (!series.contains(key) && series.size() >= options.maxSeries)
      key = Key("other", "other", status / 100 * 100);
    Series& found = series[std::move(key)];
    found.buckets.resize(options.buckets.size());
    return found;
  }
  std::string text() const;
  void addSeries(std::string& out) const;

  MetricsOptions options;
  std::map<Key, Series> series;
  std::uint64_t running = 0;
  std::vector<http::Server*> servers;
  std::vector<std::pair<std::string, http::Agent*>> agents;
  double lag = 0;
};

SLUICE_DECL void Metrics::State::addSeries(std::string& out) const {
  const auto each = [&](std::string_view name, auto value) {
    for (const auto& [key, one] : series) {
      const auto& [method, route, status] = key;
      const std::string labels = "method=\"" + detail::labelValue(method) + "\",route=\"" +
                                 detail::labelValue(route) + "\",status=\"" +
                                 std::to_string(status) + '"';
      value(std::string(name), labels, one);
    }
  };
  const auto line = [&out](const std::string& name, const std::string& labels,
                           const std::string& value) {
    out.append(name).append("{").append(labels).append("} ").append(value).append("\n");
  };
  detail::describeMetric(out, "http_requests_total", "counter", "Requests that were answered.");
  each("http_requests_total",
       [&](const std::string& name, const std::string& labels, const Series& one) {
         line(name, labels, std::to_string(one.requests));
       });
  detail::describeMetric(out, "http_request_duration_seconds", "histogram",
                         "From the head of a request to the end of its answer.");
  each("http_request_duration_seconds",
       [&](const std::string& name, const std::string& labels, const Series& one) {
         std::uint64_t count = 0;
         for (std::size_t index = 0; index < one.buckets.size(); ++index) {
           count += one.buckets[index];
           line(name + "_bucket", labels + ",le=\"" + detail::number(options.buckets[index]) + '"',
                std::to_string(count));
         }
         line(name + "_bucket", labels + ",le=\"+Inf\"", std::to_string(one.requests));
         line(name + "_sum", labels, detail::number(one.seconds));
         line(name + "_count", labels, std::to_string(one.requests));
       });
  detail::describeMetric(out, "http_request_bytes_total", "counter",
                         "Bytes of heads and bodies that were read.");
  each("http_request_bytes_total",
       [&](const std::string& name, const std::string& labels, const Series& one) {
         line(name, labels, std::to_string(one.received));
       });
  detail::describeMetric(out, "http_response_bytes_total", "counter",
                         "Bytes that were written to connections.");
  each("http_response_bytes_total",
       [&](const std::string& name, const std::string& labels, const Series& one) {
         line(name, labels, std::to_string(one.sent));
       });
}

SLUICE_DECL std::string Metrics::State::text() const {
  std::string out;
  addSeries(out);
  const auto gauge = [&out](std::string_view name, std::string_view help,
                            const std::string& value) {
    detail::describeMetric(out, name, "gauge", help);
    out.append(name).append(" ").append(value).append("\n");
  };
  gauge("http_requests_running", "Requests that are being answered.", std::to_string(running));
  gauge("event_loop_lag_seconds", "How long work waited for the loop when this was read.",
        detail::number(lag));
  if (!servers.empty()) {
    std::size_t connections = 0;
    for (const http::Server* server : servers) connections += server->getConnections();
    gauge("http_connections", "Open connections.", std::to_string(connections));
  }
  if (agents.empty()) return out;
  detail::describeMetric(out, "http_agent_sockets", "gauge",
                         "Connections of an agent by what they do.");
  for (const auto& [name, agent] : agents) {
    const auto count = [](const auto& byName) {
      std::size_t all = 0;
      for (const auto& [key, list] : byName) all += list.size();
      return std::to_string(all);
    };
    const std::string label =
        "http_agent_sockets{agent=\"" + detail::labelValue(name) + "\",state=";
    out += label + "\"used\"} " + count(agent->sockets()) + '\n';
    out += label + "\"free\"} " + count(agent->freeSockets()) + '\n';
    out += label + "\"awaited\"} " + count(agent->requests()) + '\n';
  }
  return out;
}

SLUICE_DECL Metrics::Metrics(MetricsOptions options)
    : state_(std::make_shared<State>(std::move(options))) {}

SLUICE_DECL Metrics& Metrics::watch(http::Server& server) {
  state_->servers.push_back(&server);
  return *this;
}

SLUICE_DECL Metrics& Metrics::watch(std::string name, http::Agent& agent) {
  state_->agents.emplace_back(std::move(name), &agent);
  return *this;
}

SLUICE_DECL std::string Metrics::text() const { return state_->text(); }

namespace detail {

template <class State>
class MetricsEnding final : public Ending {
 public:
  MetricsEnding(std::shared_ptr<State> state, const Request& req)
      : state_(std::move(state)),
        start_(std::chrono::steady_clock::now()),
        written_(req.socket().bytesWritten()) {
    ++state_->running;
  }

  void ended(Request& req, Response& res) override {
    --state_->running;
    const int status = res.headersSent() ? res.statusCode : 499;
    auto& series = state_->seriesOf(req.method(), req.route(), status);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
    ++series.requests;
    series.seconds += took.count();
    series.received += req.bytesRead();
    series.sent += req.socket().bytesWritten() - written_;
    const auto& bounds = state_->options.buckets;
    for (std::size_t index = 0; index < bounds.size(); ++index) {
      if (took.count() > bounds[index]) continue;
      ++series.buckets[index];
      break;
    }
  }

 private:
  std::shared_ptr<State> state_;
  std::chrono::steady_clock::time_point start_;
  std::uint64_t written_;
};

}  // namespace detail

SLUICE_DECL task<> Metrics::operator()(Request& req, Response& res, Next next) const {
  if (!state_->options.path.empty() && req.path() == state_->options.path &&
      (req.method() == "GET" || req.method() == "HEAD")) {
    return answer(state_, res);
  }
  detail::RequestAccess::routing(req).atEnd(
      std::make_unique<detail::MetricsEnding<State>>(state_, req));
  return next();
}

SLUICE_DECL task<> Metrics::answer(std::shared_ptr<State> state, Response& res) {
  const auto start = std::chrono::steady_clock::now();
  co_await asio::post(res.get_executor(), asio::use_awaitable);
  state->lag = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  std::string text = state->text();
  co_await res.end(std::move(text));
}

}  // namespace sluice::app
