// SPDX-License-Identifier: BSL-1.0
//
// The API of compress, fetch, websocket and app in one file: every name and shape that the
// documentation promises, used as a program would use it. That it compiles is the test; nothing
// here runs.
#include <array>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/json/src.hpp>
#include <sluice/app.hpp>
#include <sluice/compress.hpp>
#include <sluice/fetch.hpp>
#include <sluice/websocket.hpp>
#include <type_traits>

using namespace sluice;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

// compress

static_assert(Readable<compress::Decoded>);
static_assert(compress::Limits().size == 16 * 1024 * 1024 && compress::Limits().ratio == 100);
static_assert(std::is_same_v<decltype(std::declval<compress::Decoded&>().read()),
                             task<std::optional<std::string_view>>>);

task<> compressCalls(http::IncomingMessage& req, http::ServerResponse& res) {
  compress::apply(req, res);
  compress::apply(req, res, {.prefer = {compress::Coding::br, compress::Coding::gzip}});
  compress::apply(req, res, {.threshold = 10, .level = 3});
  compress::Options options;
  options.compressible = [](std::string_view contentType) { return contentType == "text/x"; };
  compress::apply(req, res, options);

  compress::Decoded body(req);
  while (auto piece = co_await body.read()) co_await res.write(*piece);
  compress::Decoded bounded(req, {.size = 1000, .ratio = 10});
  co_await pipe(bounded, res);
  co_await res.end(co_await compress::Decoded(req).text());
}

std::string compressTexts() {
  using compress::Coding;
  std::string all;
  for (const Coding coding :
       {Coding::identity, Coding::gzip, Coding::deflate, Coding::br, Coding::zstd}) {
    all += compress::decode(coding, compress::encode(coding, "text"), 100);
    all += compress::encode(coding, "text", 9);
  }
  return all;
}

// fetch

static_assert(Readable<FetchResponse> && std::is_move_constructible_v<FetchResponse>);
static_assert(std::is_copy_constructible_v<FetchRequest>);

task<> writeBody(http::ClientRequest& req) { co_await req.write("piece"); }

task<> fetchCalls(http::Agent& agent, CookieJar& jar, asio::cancellation_signal& signal,
                  std::string text, const http::Headers& headers) {
  FetchResponse res = co_await fetch("http://localhost/");
  const int status = res.status();
  const bool ok = res.ok(), redirected = res.redirected();
  const std::string_view statusText = res.statusText(), url = res.url();
  const http::Headers& received = res.headers();
  while (auto piece = co_await res.read()) (void)*piece;
  text = co_await res.text();
  text = co_await res.text(1000);
  http::IncomingMessage& message = res.message();
  (void)std::tie(status, ok, redirected, statusText, url, received, message);

  res = co_await fetch(
      "http://localhost/",
      FetchRequest().method("PUT").header("a", "b").body(text, "text/plain").timeout(5s));
  res = co_await fetch("http://localhost/", FetchRequest()
                                                .headers(headers)
                                                .header("n", 42)
                                                .body("bytes")
                                                .connectTimeout(1s)
                                                .signal(signal.slot())
                                                .redirect(Redirect::follow)
                                                .maxRedirects()
                                                .maxRedirects(3)
                                                .allowDowngrade()
                                                .allowDowngrade(true)
                                                .retries(2)
                                                .retries(2, 10ms)
                                                .decompress()
                                                .decompress(false)
                                                .agent(agent)
                                                .cookies(jar)
                                                .proxy("http://localhost:3128"));
  res = co_await fetch("http://localhost/", FetchRequest().method("POST").body(writeBody));
  FetchRequest streamed;
  streamed.body([](http::ClientRequest& req) -> task<> { co_await req.write("piece"); });
  streamed.form({{"a", "1"}, {"b", "2"}}).redirect(Redirect::manual).redirect(Redirect::error);
  streamed.tls({.rejectUnauthorized = false});
  res = co_await fetch("https://localhost/", streamed);
  std::vector<std::pair<std::string, std::string>> fields;
  res = co_await fetch("https://localhost/", FetchRequest().form(fields));
}

std::string fetchPieces(const http::URL& url, const http::Headers& headers) {
  CookieJar jar;
  jar.store(url, headers);
  return static_cast<const CookieJar&>(jar).header(url) + proxyFromEnvironment(url);
}

// websocket

static_assert(std::is_move_constructible_v<WebSocket> && !std::is_copy_constructible_v<WebSocket>);
static_assert(std::is_same_v<decltype(WebSocket::Message::data), std::string_view>);
static_assert(std::is_same_v<decltype(WebSocket::Message::binary), bool>);

task<> webSocketCalls(WebSocket& ws, http::IncomingMessage&) {
  while (auto message = co_await ws.receive()) {
    std::optional<WebSocket::Message> copy = message;
    if (copy->binary) {
      co_await ws.send(std::as_bytes(std::span(copy->data)));
    } else {
      co_await ws.send(message->data);
    }
  }
  const std::array<std::byte, 2> bytes{};
  WriteResult sent = ws.send(bytes);
  (void)static_cast<bool>(sent);
  ws.send("text");
  co_await ws.ping();
  co_await ws.ping("data");
  co_await ws.close();
  co_await ws.close(1000);
  co_await ws.close(3000, "reason");
  const int code = ws.closeCode();
  const std::string_view reason = ws.closeReason(), protocol = ws.protocol();
  const std::size_t held = ws.bufferedAmount();
  net::Socket& socket = ws.socket();
  (void)std::tie(code, reason, protocol, held, socket);
}

task<> webSocketClient() {
  WebSocket ws = co_await connectWebSocket("ws://localhost/");
  WebSocketOptions options{.protocols = {"chat"}, .maxMessage = 1024};
  WebSocket other = co_await connectWebSocket("wss://localhost/", options);
  other = std::move(ws);
}

void webSocketServer(http::Server& server, https::Server& secure) {
  server.on<"upgrade">(webSocket(webSocketCalls));
  secure.on<"upgrade">(webSocket(
      [](WebSocket& ws, http::IncomingMessage&) -> task<> { co_await ws.close(); },
      {.protocols = {"chat"},
       .maxMessage = 16 * 1024,
       .deflate = true,
       .pingInterval = 0ms,
       .closeTimeout = 10s,
       .verify = [](http::IncomingMessage& req) { return req.headers().has("origin"); }}));
}

// app

static_assert(std::is_base_of_v<http::IncomingMessage, app::Request>);
static_assert(std::is_base_of_v<http::ServerResponse, app::Response>);
static_assert(std::is_aggregate_v<app::HttpError>);
static_assert(std::is_same_v<decltype(std::declval<app::Response&>().json("")), WriteResult>);

task<> requestCalls(app::Request& req, app::Response& res) {
  const std::string_view path = req.path(), parameter = req.param("id");
  const std::optional<std::string> query = req.query("q");
  const std::vector<std::string> all = req.queryAll("q");
  const std::optional<std::string_view> cookie = req.cookie("session");
  const std::string ip = req.ip(), protocol = req.protocol(), host = req.host();
  const bool json = req.is("json");
  const std::string_view type = req.accepts({"html", "application/json"});
  (void)std::tie(path, parameter, query, all, cookie, ip, protocol, host, json, type);
  const app::Form form = co_await req.form();
  const app::FormLimits limits{.parts = 10, .partSize = 1024};
  const app::Form small = co_await req.form(limits);
  co_await req.parts([](app::FormPart& part) -> task<> {
    while (co_await part.read()) continue;
  });
  co_await req.parts([&res](app::FormPart& part) -> task<> { co_await pipe(part, res); }, limits);
}

task<> responseCalls(app::Request&, app::Response& res) {
  res.status(201).type("json").cookie("a", "b").clearCookie("c");
  res.cookie("a", "b", {.path = "/x", .httpOnly = true, .secure = true});
  co_await res.status(200).json("{}");
  std::string text = "{}";
  co_await res.json(text);
  co_await res.json(std::move(text));
  const boost::json::value value = {{"a", 1}};
  co_await res.json(value);
  boost::json::object object;
  co_await res.json(object);
  co_await res.html("<p>");
  co_await res.redirect("/there");
  co_await res.redirect("/there", 301);
  co_await res.sendFile("/etc/hostname");
  const app::SendFileOptions whole{.ranges = false};
  co_await res.sendFile(std::filesystem::path("/etc/hostname"), whole);
  app::EventStream events = res.events();
  co_await events.send({.event = "tick", .data = "1", .id = "7"});
  co_await events.comment("still here");
  const std::string_view last = events.lastEventId();
  (void)last;
}

struct Todos {
  task<> list(app::Request&, app::Response& res) { co_await res.json("[]"); }
  task<> guard(app::Request&, app::Response&, app::Next next) { co_await next(); }
};

task<> fail(app::Request& req, app::Response&) {
  if (req.param("id").empty()) throw app::HttpError{404, "no such thing"};
  throw app::HttpError{500};
  co_return;
}

app::Router makeRouter(Todos& todos) {
  using namespace app;
  Router router, other;
  other.get("/users/:id", requestCalls).post("/users", responseCalls).put("/files/*path", fail);
  other.patch("/a{/:b}", fail).del("/x", fail).head("/h", fail).options("/o", fail);
  other.all("/all", [](Request&, Response& res) -> task<> { co_await res.end("all"); });
  other.get("/lists", &Todos::guard, todos, &Todos::list, todos);
  other.get("/next", [](Request&, Response&, Next next) -> task<> { co_await next(); });
  router.use("/api", other);
  router.use([](Request&, Response&, Next next) -> task<> { co_await next(); });
  router.use("/admin", [](Request&, Response&, Next next) -> task<> { return next(); });
  router.onError([](std::exception_ptr, Request&, Response& res) -> task<> {
    co_await res.status(500).end("failed");
  });
  router.trustProxy({"loopback", "10.0.0.0/8"});
  router.use(compression()).use(compression({.threshold = 10}));
  router.use("/static", staticFiles("."));
  router.use("/static", staticFiles(std::filesystem::path("."), {.index = ""}));
  router.use(cors()).use(cors({.origins = {"https://example.org"}}));
  router.use(accessLog()).use(accessLog({.format = LogFormat::json}));
  router.use(rateLimit()).use(rateLimit({.limit = 5})).use(timeLimit(5s));
  router.use(requestId()).use(securityHeaders());
  return router;
}

void serve(asio::io_context& loop, const app::Router& router) {
  auto server = http::createServer(loop, router);
  auto secure = https::createServer(loop, {.key = "", .cert = ""}, router);
  webSocketServer(server, secure);
}

int main() {}
