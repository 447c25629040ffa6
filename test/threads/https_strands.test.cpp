// SPDX-License-Identifier: BSL-1.0
//
// TLS on the strands of a thread pool: servers, agents and the contexts that they share.
#include <algorithm>
#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include "https_home.hpp"

using namespace homes;

namespace {

// Every server in turn, the own one first; how many answers were right.
task<std::size_t> askEach(Home& home, const std::vector<std::string>& urls, std::size_t own,
                          std::size_t requests) {
  const auto options = home.options();
  std::size_t right = 0;
  for (std::size_t i = 0; i < requests; ++i) {
    const std::string path = '/' + std::to_string(own) + '/' + std::to_string(i);
    const auto to = (own + i) % urls.size();
    const Answer answer = co_await ask(urls[to] + path, options);
    if (answer.text == "hello " + path && answer.peer == "localhost") ++right;
  }
  co_return right;
}

// A home on each strand. Every other agent keeps its connections, the first one does.
Homes openAll(Strands& strands, std::size_t count, const https::ServerOptions& serverOptions) {
  https::AgentOptions once;
  once.secureContext = trust();
  https::AgentOptions keeping = once;
  keeping.keepAlive = true;
  Homes homes(count);
  strands.all(
      [&](std::size_t i) { return open(homes[i], serverOptions, i % 2 == 0 ? keeping : once); });
  return homes;
}

// The word of a line of the key log that tells connections apart.
std::string connectionOf(std::string_view line) {
  const std::size_t begin = line.find(' ') + 1;
  return std::string(line.substr(begin, line.find(' ', begin) - begin));
}

task<> useOther(Home& home, https::SecureContext context, std::string ticketKeys) {
  home.server.setSecureContext(std::move(context));
  if (!ticketKeys.empty()) home.server.setTicketKeys(ticketKeys);
  co_return;
}

// A strand that lives for one exchange. It trusts the system's authorities, whom all strands of a
// pool have together, and they do not know ours.
task<int> liveShortly(https::SecureContext context) {
  std::unique_ptr<Home> home;
  https::ServerOptions serverOptions;
  serverOptions.secureContext = context;
  https::AgentOptions agentOptions;
  co_await open(home, serverOptions, agentOptions);
  auto options = home->options();
  const Answer refused = co_await ask(home->url + "/a", options);
  options.rejectUnauthorized = false;
  const Answer answer = co_await ask(home->url + "/b", options);
  co_await close(home);
  co_return refused.text == "!UNABLE_TO_VERIFY_LEAF_SIGNATURE" && answer.text == "hello /b" ? 1 : 0;
}

}  // namespace

TEST_CASE("https servers and agents on strands share contexts, and ask each other", "[strands]") {
  constexpr std::size_t count = 6;
  constexpr std::size_t requests = 36;
  const std::string version = GENERATE(as<std::string>(), "TLSv1.2", "TLSv1.3");
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(test::localhost(), version);
  Strands strands(count);
  Homes homes = openAll(strands, count, serverOptions);
  const auto urls = urlsOf(homes);
  const auto right =
      strands.all([&](std::size_t i) { return askEach(*homes[i], urls, i, requests); });
  CHECK(right == std::vector(count, requests));
  const Counts counts = sum(strands.all([&](std::size_t i) { return close(homes[i]); }));
  // Half of the agents need one connection to each server. The others need one for each request,
  // and resume what their first one has left.
  CHECK(counts.connections == 3 * 6 + 3 * requests);
  CHECK(counts.resumed == 3 * (requests - 6));
}

TEST_CASE("servers on strands share the contexts that the names of clients choose", "[strands]") {
  constexpr std::size_t count = 4;
  constexpr std::size_t requests = 24;
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(test::localhost());
  https::AgentOptions agentOptions;
  agentOptions.secureContext = trust();
  const std::array<std::string, 2> names{"a.example", "b.example"};
  std::vector<https::SecureContext> named;
  for (const std::string& name : names) {
    named.push_back(contextOf(test::issued(name, "DNS:" + name)));
  }
  Strands strands(count);
  Homes homes(count);
  strands.all([&](std::size_t i) -> task<> {
    co_await open(homes[i], serverOptions, agentOptions);
    for (std::size_t j = 0; j < names.size(); ++j) {
      homes[i]->server.addContext(names[j], named[j]);
    }
  });
  const auto urls = urlsOf(homes);
  const auto right = strands.all([&](std::size_t own) -> task<std::size_t> {
    auto options = homes[own]->options();
    std::size_t answers = 0;
    for (std::size_t i = 0; i < requests; ++i) {
      const std::string& name = names[(own + i / 3) % names.size()];
      options.servername = name;
      const Answer answer = co_await ask(urls[i % count] + "/x", options);
      if (answer.text == "hello /x" && answer.peer == name) ++answers;
    }
    co_return answers;
  });
  CHECK(right == std::vector(count, requests));
  strands.all([&](std::size_t i) { return close(homes[i]); });
}

TEST_CASE("contexts and ticket keys are changed while connections come from other strands",
          "[strands]") {
  constexpr std::size_t count = 6;
  constexpr std::size_t requests = 30;
  const test::Identity first = test::issued("first", "IP:127.0.0.1");
  const test::Identity renewed = test::issued("renewed", "IP:127.0.0.1");
  const https::SecureContextOptions renewal{.key = renewed.key(), .cert = renewed.cert()};
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(first);
  Strands strands(count);
  Homes homes = openAll(strands, count, serverOptions);
  const auto urls = urlsOf(homes);
  const auto askAndRenew = [&](std::size_t own) -> task<std::size_t> {
    const auto options = homes[own]->options();
    std::size_t right = 0;
    for (std::size_t i = 0; i < requests; ++i) {
      const auto to = (own + i) % count;
      const bool renews = i % 5 == 4;
      if (renews) {
        // Made here, used and ended on another strand.
        auto context = https::createSecureContext(renewal);
        std::string keys(i % 2 == 0 ? 48 : 0, "abcdef"[own]);
        co_await asio::co_spawn(strands[to],
                                useOther(*homes[to], std::move(context), std::move(keys)),
                                asio::use_awaitable);
      }
      const Answer answer = co_await ask(urls[to] + "/x", options);
      // A connection that was kept, or a session, goes on with the certificate that it began with.
      const bool mayBeOld = !renews || own % 2 == 0 || answer.resumed;
      const bool known = answer.peer == "renewed" || (mayBeOld && answer.peer == "first");
      if (answer.text == "hello /x" && known) ++right;
    }
    co_return right;
  };
  const auto right = strands.all(askAndRenew);
  CHECK(right == std::vector(count, requests));
  strands.all([&](std::size_t i) { return close(homes[i]); });
}

TEST_CASE("the key log tells each agent and server on a strand of its own connections",
          "[strands]") {
  constexpr std::size_t count = 4;
  constexpr std::size_t requests = 20;
  https::ServerOptions serverOptions;
  serverOptions.secureContext = contextOf(test::localhost());
  https::AgentOptions agentOptions;
  agentOptions.secureContext = trust();
  Strands strands(count);
  Homes homes(count);
  // The first two listen. All have the same contexts.
  std::array<std::set<std::string>, 2> heardByAgents;
  std::array<std::set<std::string>, 2> heardByServers;
  strands.all([&](std::size_t i) -> task<> {
    co_await open(homes[i], serverOptions, agentOptions);
    if (i >= 2) co_return;
    homes[i]->agent.on<"keylog">([&heard = heardByAgents[i]](std::string_view line, net::Socket&) {
      heard.insert(connectionOf(line));
    });
    homes[i]->server.on<"keylog">(
        [&heard = heardByServers[i]](std::string_view line, net::Socket&) {
          heard.insert(connectionOf(line));
        });
  });
  const auto urls = urlsOf(homes);
  const auto right =
      strands.all([&](std::size_t i) { return askEach(*homes[i], urls, i, requests); });
  CHECK(right == std::vector(count, requests));
  strands.all([&](std::size_t i) { return close(homes[i]); });
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(heardByAgents[i].size() == requests);
    CHECK(heardByServers[i].size() == requests);
    for (std::size_t j = 0; j < 2; ++j) {
      std::vector<std::string> both;
      std::ranges::set_intersection(heardByAgents[i], heardByServers[j], std::back_inserter(both));
      CHECK(both.size() == requests / count);
    }
  }
}

TEST_CASE("clients on strands are taken for those whom their certificates name", "[strands]") {
  constexpr std::size_t count = 5;
  constexpr std::size_t requests = 20;
  https::ServerOptions serverOptions;
  serverOptions.requestCert = true;
  serverOptions.secureContext = https::createSecureContext({.key = test::localhost().key(),
                                                            .cert = test::localhost().cert(),
                                                            .ca = test::authority().cert()});
  std::vector<https::AgentOptions> clients(count);
  for (std::size_t i = 0; i < count; ++i) {
    const test::Identity identity = test::issued("client " + std::to_string(i), "");
    clients[i].ca = test::authority().cert();
    clients[i].keepAlive = i % 2 == 0;
    // The last one is nobody.
    if (i + 1 == count) continue;
    clients[i].key = identity.key();
    clients[i].cert = identity.cert();
  }
  Strands strands(count);
  Homes homes(count);
  strands.all([&](std::size_t i) -> task<> {
    co_await open(homes[i], serverOptions, clients[i]);
    homes[i]->server.on<"request">(
        [](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
          const auto peer = req.socket().getPeerCertificate(true);
          const auto own = req.socket().getCertificate();
          co_await res.end(own.subject["CN"] + " to " + peer.subject["CN"]);
        });
  });
  const auto urls = urlsOf(homes);
  const auto texts = strands.all([&](std::size_t own) -> task<std::set<std::string>> {
    const auto options = homes[own]->options();
    std::set<std::string> seen;
    for (std::size_t i = 0; i < requests; ++i) {
      const auto to = (own + i) % count;
      const Answer answer = co_await ask(urls[to], options);
      seen.insert(answer.text);
    }
    co_return seen;
  });
  for (std::size_t i = 0; i + 1 < count; ++i) {
    CHECK(texts[i] == std::set<std::string>{"localhost to client " + std::to_string(i)});
  }
  CHECK(texts.back() == std::set<std::string>{"!ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"});
  strands.all([&](std::size_t i) { return close(homes[i]); });
}

TEST_CASE("strands with TLS come and go", "[strands]") {
  const auto context = contextOf(test::localhost());
  for (int round = 0; round < 3; ++round) {
    Strands strands(16);
    const auto right = strands.all([&](std::size_t) { return liveShortly(context); });
    CHECK(right == std::vector<int>(16, 1));
  }
}
