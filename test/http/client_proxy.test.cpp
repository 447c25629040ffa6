// SPDX-License-Identifier: BSL-1.0
//
// Requests through proxies that the environment names.
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/proxies.hpp>
#include <string>
#include "support/catch.hpp"
#include "support/request.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::test;

namespace {

// An agent whose connections are in memory, and which shows where they would lead.
class ProxiedAgent : public Agent {
 public:
  ProxiedAgent(Requesting& net, ProxyEnv variables)
      : Agent(net.io(), {.keepAlive = true, .proxyEnv = std::move(variables)}), net_(net) {}
  task<net::Socket> createConnection(const net::ConnectionOptions& options) override {
    return net_.open(options);
  }

 private:
  Requesting& net_;
};

std::string way(const ProxyEnv& variables, std::string_view protocol, std::string_view host,
                std::uint16_t port = 80) {
  const http::detail::Proxies proxies(variables);
  const http::detail::Proxy* found = proxies.find(protocol, host, port);
  if (found == nullptr) return "direct";
  return found->host + ':' + std::to_string(found->port) + ' ' + found->authorization;
}

}  // namespace

TEST_CASE("the environment says which proxy leads where", "[Agent][row:8/proxyEnv]") {
  const ProxyEnv both{{"HTTP_PROXY", "http://p1:3128"}, {"HTTPS_PROXY", "http://u:p%20w@p2/"}};
  CHECK(way(both, "http:", "example.org") == "p1:3128 ");
  CHECK(way(both, "https:", "example.org", 443) == "p2:80 Basic dTpwIHc=");
  CHECK(way({}, "http:", "example.org") == "direct");
  CHECK(way({{"HTTPS_PROXY", "http://p"}}, "http:", "example.org") == "direct");
  CHECK(way({{"HTTP_PROXY", "http://upper"}, {"http_proxy", "http://lower"}}, "http:", "a") ==
        "lower:80 ");
  CHECK(way({{"http_proxy", "http://[::1]:8080"}}, "http:", "a") == "::1:8080 ");
}

TEST_CASE("NO_PROXY names what is reached directly", "[Agent][row:8/proxyEnv][row:14/NO_PROXY]") {
  const auto to = [](std::string entries, std::string_view host, std::uint16_t port = 80) {
    return way({{"HTTP_PROXY", "http://p"}, {"NO_PROXY", std::move(entries)}}, "http:", host,
               port) == "direct";
  };
  CHECK(to("*", "a"));
  CHECK(to("a, b", "b"));
  CHECK(to("EXAMPLE.org", "example.ORG"));
  CHECK(!to("example.org", "www.example.org"));
  CHECK(to(".example.org", "www.example.org"));
  CHECK(to("*.example.org", "www.example.org"));
  CHECK(!to(".example.org", "badexample.org"));
  CHECK(to("a:8080", "a", 8080));
  CHECK(!to("a:8080", "a"));
  CHECK(to("10.0.0.1-10.0.0.9", "10.0.0.5"));
  CHECK(!to("10.0.0.1-10.0.0.9", "10.0.0.10"));
  CHECK(!to("10.0.0.1-10.0.0.9", "a"));
}

TEST_CASE("a proxy that is no http: URL is refused",
          "[Agent][row:8/proxyEnv][row:12/ERR_PROXY_INVALID_CONFIG]") {
  Requesting net;
  const std::string text = GENERATE("p:3128", "https://p", "http://", "://", "ftp://p");
  CAPTURE(text);
  CHECK(thrownBy([&] {
          const Agent agent(net.io(), {.proxyEnv = {{"HTTP_PROXY", text}}});
        }) == "ERR_PROXY_INVALID_CONFIG");
  CHECK(thrownBy([&] {
          setGlobalProxyFromEnv(net.io(), {{"HTTP_PROXY", text}});
        }) == "ERR_PROXY_INVALID_CONFIG");
}

TEST_CASE("a request through a proxy says the whole URL",
          "[Agent][row:8/proxyEnv][row:14/proxy support for http requests]") {
  Requesting net;
  ProxiedAgent agent(net, {{"HTTP_PROXY", "http://u:p@proxy:3128"}, {"NO_PROXY", "near"}});
  RequestOptions options;
  options.agent = agent;
  options.host = "example.org";
  options.port = 8080;
  options.path = "/a?b";
  auto req = http::get(net.io(), options);
  CHECK(net.received() ==
        "GET http://example.org:8080/a?b HTTP/1.1\r\nHost: example.org:8080\r\n"
        "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic dTpw\r\n"
        "Connection: keep-alive\r\n\r\n");
  CHECK(req.path() == "/a?b");
  options.headers.set("Host", "other");
  CHECK(thrownBy([&] { static_cast<void>(request(net.io(), options)); }) ==
        "ERR_PROXY_INVALID_CONFIG");
  RequestOptions unproxied;
  unproxied.agent = agent;
  unproxied.host = "near";
  auto direct = http::get(net.io(), unproxied);
  CHECK(net.received(1) == "GET / HTTP/1.1\r\nHost: near\r\nConnection: keep-alive\r\n\r\n");
}

TEST_CASE("no path of a request leads its proxy to another host", "[Agent]") {
  Requesting net;
  ProxiedAgent agent(net, {{"HTTP_PROXY", "http://proxy"}});
  RequestOptions options;
  options.agent = agent;
  options.host = "example.org";
  options.auth = "user:secret";
  for (const char* path :
       {"@evil.example/", ".evil.example/", ":8080/", "http://evil.example/", "*"}) {
    options.path = path;
    CHECK(thrownBy([&] { static_cast<void>(request(net.io(), options)); }) ==
          "ERR_PROXY_INVALID_CONFIG");
  }
  options.path = "//evil.example/";
  const auto req = http::get(net.io(), options);
  CHECK(net.received().starts_with("GET http://example.org//evil.example/ HTTP/1.1\r\n"));
}

TEST_CASE("the global agent uses proxies if it is told to",
          "[Agent][row:1/setGlobalProxyFromEnv]") {
  Requesting net;
  Agent& agent = globalAgent(net.io());
  const auto proxied = [&] {
    return http::detail::AgentAccess::state(agent).proxyFor("a", 80) != nullptr;
  };
  CHECK(!proxied());
  const auto undo = setGlobalProxyFromEnv(net.io(), {{"http_proxy", "http://proxy"}});
  CHECK(proxied());
  setGlobalProxyFromEnv(net.io(), {});
  CHECK(proxied());
  undo();
  CHECK(!proxied());
}
