// SPDX-License-Identifier: BSL-1.0
//
// A reverse proxy: passes every request on to one origin and its answer back, bodies at the pace of
// the slower end, upgrades (WebSocket) included. Try it with some server on port 3000:
//   reverse_proxy 8080 http://127.0.0.1:3000
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;
using namespace boost::asio::experimental::awaitable_operators;
namespace net = sluice::net;

// RFC 9110 §7.6.1: what concerns one connection only stays on it, and so does all that Connection
// names.
Headers endToEnd(const IncomingMessage& message) {
  Headers passed;
  for (const RawHeader& line : message.rawHeaders()) passed.append(line.name, line.value);
  std::string named(message.headers()["connection"]);
  for (std::size_t at = 0; at < named.size();) {
    const std::size_t end = std::min(named.find_first_of(", \t", at), named.size());
    if (end > at) passed.remove(named.substr(at, end - at));
    at = end + 1;
  }
  for (const auto* name : {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
                           "te", "upgrade", "proxy-authenticate", "proxy-authorization"}) {
    passed.remove(name);
  }
  return passed.append("Via", "1.1 sluice");
}

RequestOptions forwarded(IncomingMessage& req, const URL& origin, Agent& agent) {
  RequestOptions options;
  options.agent = agent;
  options.method = req.method();
  // A client may send a whole URL, with another host than the Host line: the origin gets neither.
  const Target target = splitTarget(req.url());
  options.path = target.path;
  if (!target.query.empty()) options.path.append("?").append(target.query);
  options.headers = endToEnd(req).set("Host", origin.host());
  options.headers.append("X-Forwarded-For", req.socket().remoteAddress());
  options.hostname = origin.hostname();
  options.port = static_cast<std::uint16_t>(
      origin.port().empty() ? 80 : std::stoi(std::string(origin.port())));
  return options;
}

sluice::task<> sendBack(ClientRequest& upstream, ServerResponse& res) {
  IncomingMessage answer = co_await upstream.response();
  const Headers headers = endToEnd(answer);
  res.writeHead(answer.statusCode(), answer.statusMessage(), headers);
  co_await sluice::pipe(answer, res);
}

sluice::task<> forward(IncomingMessage& req, ServerResponse& res, const URL& origin, Agent& agent) {
  std::string problem;
  try {
    auto upstream = request(req.get_executor(), forwarded(req, origin, agent));
    co_await (sluice::pipe(req, upstream) && sendBack(upstream, res));
  } catch (const Error& error) {
    problem = error.what();
  }
  if (problem.empty()) co_return;
  if (res.headersSent()) throw Error(make_error_code(errc::ERR_STREAM_PREMATURE_CLOSE), problem);
  res.statusCode = 502;
  co_await res.end(problem + "\n");
}

// Of the protocols that a connection can be upgraded to, the origin is meant to speak this one
// only.
bool wantsWebSocket(const IncomingMessage& req) {
  std::string protocol(req.headers()["upgrade"]);
  for (char& c : protocol) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return protocol == "websocket";
}

sluice::task<> forwardUpgrade(IncomingMessage& req, net::Socket& client, std::string_view head,
                              const URL& origin, Agent& agent) {
  RequestOptions options = forwarded(req, origin, agent);
  options.headers.set("Connection", "Upgrade").set("Upgrade", "websocket");
  auto upstream = request(req.get_executor(), std::move(options));
  net::Socket target;
  std::string early;
  upstream.on<"upgrade">([&](IncomingMessage&, net::Socket& socket, std::string_view rest) {
    target = std::move(socket);
    early = rest;
  });
  co_await upstream.end();
  IncomingMessage answer = co_await upstream.response();
  std::string reply = "HTTP/1.1 " + std::to_string(answer.statusCode()) + ' ' +
                      std::string(answer.statusMessage()) + "\r\n";
  if (!target) {
    // The origin has refused: its answer goes to the client like any other, and is the last one.
    for (const auto& [name, value] : endToEnd(answer)) {
      reply.append(name).append(": ").append(value).append("\r\n");
    }
    co_await client.write(reply + "Connection: close\r\n\r\n");
    co_await sluice::pipe(answer, client);
    co_return;
  }
  for (const RawHeader& line : answer.rawHeaders()) {
    reply.append(line.name).append(": ").append(line.value).append("\r\n");
  }
  co_await client.write(reply + "\r\n" + early);
  target.write(head);
  co_await (sluice::pipe(client, target) && sluice::pipe(target, client));
}

int main(int argc, char* argv[]) {
  const URL origin(argc > 2 ? argv[2] : "http://127.0.0.1:3000");
  boost::asio::io_context loop(1);
  Agent agent(loop, {.keepAlive = true});
  ServerOptions options;
  options.shouldUpgradeCallback = wantsWebSocket;
  auto server = createServer(loop, options, [&](IncomingMessage& req, ServerResponse& res) {
    return forward(req, res, origin, agent);
  });
  server.on<"upgrade">([&](IncomingMessage& req, net::Socket& client, std::string_view head) {
    return forwardUpgrade(req, client, head, origin, agent);
  });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
