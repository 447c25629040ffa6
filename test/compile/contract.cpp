// SPDX-License-Identifier: BSL-1.0
//
// The public API in one file: every name and shape that the documentation promises, used once, with
// no other door than <sluice/http.hpp>, and the one of tests. That it compiles is the test; nothing
// here runs.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <map>
#include <sluice/http.hpp>
#include <sluice/test.hpp>
#include <type_traits>
#include <vector>

using namespace sluice;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

static_assert(std::is_same_v<task<int>, boost::asio::awaitable<int>>);
static_assert(std::is_same_v<sluice::error_code, boost::system::error_code>);
static_assert(!std::is_copy_constructible_v<http::Server> &&
              std::is_move_constructible_v<http::Server>);
static_assert(!std::is_copy_constructible_v<http::ClientRequest> &&
              std::is_move_constructible_v<http::ClientRequest>);
static_assert(!std::is_copy_constructible_v<http::IncomingMessage> &&
              std::is_move_constructible_v<http::IncomingMessage>);
static_assert(!std::is_copy_constructible_v<net::Socket> &&
              std::is_move_constructible_v<net::Socket>);
static_assert(std::is_base_of_v<boost::system::system_error, http::Error>);
static_assert(std::is_base_of_v<http::OutgoingMessage, http::ServerResponse> &&
              std::is_base_of_v<http::OutgoingMessage, http::ClientRequest>);
static_assert(http::METHODS.size() == 35);
static_assert(http::STATUS_CODES[404] == "Not Found" && !http::STATUS_CODES.contains(799));

struct MyRequest : http::IncomingMessage {
  using IncomingMessage::IncomingMessage;
  int user = 0;
};
struct MyResponse : http::ServerResponse {
  void json(std::string_view text) { setHeader("Content-Type", "application/json").end(text); }
};

task<> anyMessage(http::OutgoingMessage& message) {
  message.setHeader("a", "b").setHeader("n", 42).setHeader("Set-Cookie", {"x=1", "y=2"});
  message.appendHeader("a", "c").setHeaders({{"g", "h"}}).setTimeout(5s, [] {}).setTimeout(5s);
  message.on<"finish">([] {}).once<"close">([] {}).removeAllListeners<"close">();
  (void)message.removeListener(message.addListener<"drain">([] {}));
  message.emit<"drain">();
  co_await message.once<"finish">();
}

task<> responseCalls(http::IncomingMessage& req, http::ServerResponse& res) {
  std::string text = "text";
  std::vector<std::byte> bytes(3);
  res.statusCode = 404;
  res.statusMessage = "Gone fishing";
  res.sendDate = false;
  res.strictContentLength = false;
  res.shouldKeepAlive = true;
  res.setHeader("a", "b").setHeader("n", 42).setHeader("u", 42U).setHeader("z", std::size_t{7});
  res.setHeader("c", std::string("d")).setHeader("e", std::string_view("f")).appendHeader("a", "c");
  res.setHeader("b", bytes).appendHeader("b", std::as_bytes(std::span(text)));
  res.setHeader("Set-Cookie", {"x=1", "y=2"}).setHeader("v", std::vector<std::string>{"1", "2"});
  res.setHeaders(http::Headers{{"g", "h"}, {"i", 1}, {"set-cookie", {"x=1", "y=2"}}});
  http::HeaderValue value = res.getHeader("a");
  (void)(value && value.isString() && value.isNumber() && value.isArray());
  (void)(value == "b" && value == 42 && value.number() == 1 && value.str().empty());
  for (const std::string& each : value.array()) (void)each;
  std::vector<std::string> names = res.getHeaderNames();
  names = res.getRawHeaderNames();
  http::Headers headers = res.getHeaders();
  (void)(res.hasHeader("a") && res.headersSent());
  res.removeHeader("a");
  res.writeContinue();
  res.writeProcessing();
  res.writeEarlyHints({{"Link", "</a.css>; rel=preload"}});
  res.writeEarlyHints(http::Headers{{"Link", "</a.css>; rel=preload"}}, [] {});
  res.writeHead(200);
  res.writeHead(200, "OK");
  res.writeHead(200, {{"a", "b"}});
  res.writeHead(200, "OK", {{"a", "b"}, {"c", 1}}).end();
  res.flushHeaders();
  co_await res.write("literal");
  co_await res.write(std::string_view("view"));
  co_await res.write(text);
  co_await res.write(std::string("moved"));
  co_await res.write(std::span<const std::byte>(bytes));
  co_await res.write("68656c6c6f", Encoding::hex);
  co_await res.write("x", [](error_code) {});
  co_await res.write(std::span<const std::byte>(bytes), [](error_code) {});
  co_await res.write("78", Encoding::hex, [](error_code) {});
  if (!res.write("x")) co_await res.drain();
  res.addTrailers({{"t", "v"}});
  res.cork();
  res.uncork();
  res.setTimeout(5s, [] {}).setTimeout(5s);
  (void)(res.writableEnded() && res.writableFinished() && res.writableNeedDrain());
  (void)(res.finished() && res.destroyed() && res.closed());
  (void)(res.writableLength() + res.writableHighWaterMark() + res.writableCorked());
  (void)res.errored();
  net::Socket* socket = res.socket();
  socket = res.connection();
  (void)socket;
  (void)(&res.req() == &req);
  res.on<"prefinish">([] {})
      .on<"finish">([] {})
      .on<"close">([] {})
      .on<"drain">([] {})
      .on<"timeout">([] {})
      .on<"socket">([](net::Socket&) {})
      .once<"error">([](const http::Error&) {});
  const ListenerId id = res.addListener<"finish">([] {});
  (void)res.removeListener(id);
  (void)res.listenerCount<"finish">();
  res.emit<"drain">();
  co_await res.once<"finish">();
  res.destroy();
  co_await res.end([](error_code) {});
  co_await res.end("x", [](error_code) {});
  co_await res.end(std::span<const std::byte>(bytes), [](error_code) {});
  co_await res.end("78", Encoding::hex, [](error_code) {});
  co_await res.end("x");
  co_await res.end(text);
  co_await res.end(std::string("moved"));
  co_await res.end(std::span<const std::byte>(bytes));
  co_await res.end("aGk=", Encoding::base64);
  co_await res.end();
  WriteResult named = res.end();
  (void)static_cast<bool>(named);
  co_await named;
  named([](error_code, bool) {});
  std::future<bool> future = res.write("x")(asio::use_future);
  const auto [ec, below] = co_await res.drain()(asio::as_tuple(asio::use_awaitable));
  (void)(ec && below && future.valid());
  auto deferred = res.end()(asio::deferred);
  co_await std::move(deferred)(asio::use_awaitable);
  res.end()(asio::detached);
}

// Every stream into every other one.
task<> pipes(http::IncomingMessage& req, http::ServerResponse& res, http::IncomingMessage& answer,
             http::ClientRequest& asked, net::Socket& socket) {
  const PipeOptions open{.end = false};
  co_await pipe(req, res);
  co_await pipe(req, asked, open);
  co_await pipe(req, socket);
  co_await pipe(answer, res, open);
  co_await pipe(socket, res);
  co_await pipe(socket, asked);
}

task<> requestCalls(http::IncomingMessage& req) {
  std::string_view text = req.method();
  text = req.url();
  text = req.statusMessage();
  text = req.httpVersion();
  (void)text;
  (void)(req.statusCode() + req.httpVersionMajor() + req.httpVersionMinor());
  const http::Headers& headers = req.headers();
  (void)headers["host"].empty();
  (void)headers.get("host").value_or("none");
  std::vector<std::string_view> all = headers.getAll("x");
  all = headers.getSetCookie();
  all = headers.keys();
  (void)(headers.has("x") && headers.size() && headers.empty());
  for (auto [name, value] : headers) (void)(name == value);
  (void)req.trailers();
  std::span<const http::RawHeader> raw = req.rawHeaders();
  raw = req.rawTrailers();
  while (auto chunk = co_await req.read()) (void)chunk->size();
  std::string body = co_await req.text();
  body = co_await req.text(1024);
  req.resume();
  req.pause();
  req.destroy();
  req.setEncoding(Encoding::utf8);
  req.setTimeout(1s, [] {}).setTimeout(1s);
  (void)(req.complete() && req.aborted() && req.destroyed() && req.readableEnded() &&
         req.upgrade());
  net::Socket& socket = req.socket();
  (void)(&socket == &req.connection());
  req.on<"data">([](std::string_view) {})
      .on<"end">([] {})
      .on<"aborted">([] {})
      .on<"close">([] {})
      .on<"error">([](const http::Error&) {})
      .on<"timeout">([] {});
}

void serverCalls(boost::asio::io_context& loop) {
  http::Handler handler;
  http::Server a = http::createServer(loop);
  http::Server b = http::createServer(loop, handler);
  http::Server none = http::createServer(loop, {}, {});
  none = http::createServer(loop, nullptr);
  none = http::createServer(loop, {});
  http::Server c = http::createServer(loop.get_executor(), {.requestTimeout = 5s}, responseCalls);
  http::Server d =
      http::createServer(asio::make_strand(loop), {.headersTimeout = 1s, .timeout = 0s});
  http::ServerOptions options{.requestTimeout = 1s,
                              .headersTimeout = 1s,
                              .keepAliveTimeout = 1s,
                              .timeout = 1s,
                              .keepAliveTimeoutBuffer = 1s,
                              .httpAllowHalfOpen = true,
                              .cancelOnDisconnect = true,
                              .maxDiscardedBody = 1,
                              .shouldUpgradeCallback = {},
                              .connectionsCheckingInterval = 30s,
                              .maxHeaderSize = 0,
                              .highWaterMark = 16 * 1024,
                              .insecureHTTPParser = false,
                              .requireHostHeader = true,
                              .noDelay = true,
                              .keepAlive = false,
                              .keepAliveInitialDelay = 0ms,
                              .joinDuplicateHeaders = false,
                              .uniqueHeaders = {},
                              .rejectNonStandardBodyWrites = false};
  http::Server e = http::createServer(loop, options, [](MyRequest& req, MyResponse& res) -> task<> {
    res.json(std::to_string(req.user));
    co_return;
  });
  (void)http::createServer(loop, [](const MyRequest&, MyResponse& res) noexcept -> task<> {
    res.json("{}");
    co_return;
  });
  boost::asio::thread_pool pool(1);
  http::Server f = http::createServer(pool, handler);
  http::Server g = http::createServer(asio::any_io_executor(pool.get_executor()), options, handler);
  a = std::move(b);
  a.listen(0).listen(0, "127.0.0.1").listen(0, "127.0.0.1", 10).listen(0, "::1", 10, [] {});
  a.listen(0, "::1", [] {});
  a.listen(0, [] {}).listen("/tmp/x.sock").listen("/tmp/x.sock", [] {});
  a.listen({.port = 0, .host = "::", .backlog = 1, .reusePort = true, .ipv6Only = true}, [] {});
  a.listen(http::ListenOptions{.path = "/tmp/x"}).listen({.fd = 3, .exclusive = true});
  const net::Address address = a.address();
  (void)(address.address == address.family && address.port == 0 && address.path.empty());
  (void)a.listening();
  a.close();
  a.close([](error_code) {});
  a.closeAllConnections();
  a.closeIdleConnections();
  (void)a.getConnections();
  a.setTimeout(1s).setTimeout(1s, [](net::Socket&) {});
  a.timeout = a.keepAliveTimeout = a.headersTimeout = a.requestTimeout = 5s;
  a.maxHeadersCount = a.maxRequestsPerSocket = a.maxConnections = http::unlimited;
  a.on<"request">(responseCalls).on<"checkContinue">(responseCalls);
  a.on<"checkExpectation">(responseCalls);
  const auto upgrade = [](http::IncomingMessage&, net::Socket& socket, std::string_view) -> task<> {
    net::Socket mine = std::move(socket);
    co_await mine.end();
  };
  a.on<"checkContinue">([&a](http::IncomingMessage& req, http::ServerResponse& res) {
    return a.emit<"request">(req, res);
  });
  a.on<"upgrade">(upgrade).on<"connect">(upgrade);
  a.on<"listening">([] {})
      .on<"close">([] {})
      .on<"error">([](const http::Error&) {})
      .on<"connection">([](net::Socket&) {})
      .on<"timeout">([](net::Socket&) {})
      .on<"clientError">([](const http::Error&, net::Socket& socket) { socket.destroy(); })
      .on<"dropRequest">([](http::IncomingMessage&, net::Socket&) {})
      .on<"drop">([](const net::DropInfo&) {});
}

task<> serverWaits(http::Server& server) {
  co_await server.closed();
  co_await server.shutdown(5s);
  co_await server.once<"listening">();
}

task<> clientCalls(boost::asio::io_context& loop) {
  const http::URL url("http://example.org/");
  const auto listener = [](http::IncomingMessage&) {};
  const auto coroutine = [](http::IncomingMessage& res) -> task<> { co_await res.text(); };
  http::Agent agent(loop, {.keepAlive = true,
                           .keepAliveMsecs = 1000ms,
                           .maxSockets = 8,
                           .maxTotalSockets = http::unlimited,
                           .maxFreeSockets = 256,
                           .scheduling = http::Scheduling::lifo,
                           .timeout = 1s,
                           .agentKeepAliveTimeoutBuffer = 1s,
                           .noDelay = true});
  asio::cancellation_signal signal;
  http::RequestOptions options{.agent = agent,
                               .auth = "user:password",
                               .host = "localhost",
                               .hostname = "localhost",
                               .localAddress = {},
                               .method = "POST",
                               .path = "/",
                               .protocol = "http:",
                               .socketPath = {},
                               .port = 80,
                               .defaultPort = 80,
                               .localPort = 0,
                               .family = 4,
                               .headers = {{"a", "b"}},
                               .timeout = 1s,
                               .setHost = true,
                               .setDefaultHeaders = true,
                               .insecureHTTPParser = false,
                               .joinDuplicateHeaders = false,
                               .maxHeaderSize = 0,
                               .uniqueHeaders = {},
                               .createConnection = {},
                               .lookup = {},
                               .signal = signal.slot()};
  options.agent = false;
  auto req = http::request(loop, "http://example.org/");
  req = http::request(loop, "http://example.org/", {.method = "PUT"});
  req = http::request(loop, url, options);
  req = http::request(loop, url);
  req = http::request(loop, {.host = "localhost"});
  req = http::request(loop, "http://example.org/", listener);
  req = http::request(loop, "http://example.org/", {.method = "PUT"}, listener);
  req = http::request(loop, url, {.method = "PUT"}, coroutine);
  req = http::request(loop, {.host = "localhost"}, coroutine);
  req = http::get(loop, "http://example.org/");
  req = http::get(loop, std::string("http://example.org/"), listener);
  req = http::get(loop, "http://example.org/", {.timeout = 1s});
  req = http::get(loop, url, options, listener);
  req = http::get(loop, options);
  http::ResponseListener erased = listener;
  req = http::get(loop, "http://example.org/", erased);
  req.on<"socket">([](net::Socket&) {})
      .on<"response">(coroutine)
      .once<"response">(listener)
      .on<"information">([](const http::Information& info) {
        (void)(info.statusCode + info.httpVersionMajor + info.httpVersionMinor);
        (void)(info.statusMessage == info.httpVersion && info.headers.empty());
        (void)info.rawHeaders.size();
      })
      .on<"continue">([] {})
      .on<"timeout">([] {})
      .on<"abort">([] {})
      .on<"finish">([] {})
      .on<"drain">([] {})
      .on<"error">([](const http::Error&) {})
      .on<"close">([] {});
  const auto taken = [](http::IncomingMessage&, net::Socket& socket, std::string_view) {
    net::Socket mine = std::move(socket);
  };
  req.on<"connect">(taken).on<"upgrade">(taken);
  req.setHeader("a", "b").setTimeout(1s);
  req.maxHeadersCount = 10;
  req.setNoDelay();
  req.setSocketKeepAlive(true, 1s);
  (void)(req.method() == req.path() && req.host() == req.protocol());
  (void)(req.aborted() && req.reusedSocket());
  co_await req.write("x");
  co_await req.end("x");
  http::IncomingMessage res = co_await req.response();
  http::IncomingMessage direct = co_await http::get("http://example.org/");
  direct = co_await http::get("http://example.org/", options);
  direct = co_await http::get(options);
  req.abort();
  req.destroy();

  http::Agent& global = http::globalAgent(loop);
  global.destroy();
  std::map<std::string, std::vector<net::Socket*>> sockets = agent.freeSockets();
  sockets = agent.sockets();
  std::map<std::string, std::vector<http::ClientRequest*>> waiting = agent.requests();
  agent.maxSockets = agent.maxTotalSockets = agent.maxFreeSockets = 1;
  (void)agent.getName(options);
  agent.on<"free">([](net::Socket&) {});
}

class CountingAgent : public http::Agent {
 public:
  using Agent::Agent;
  task<net::Socket> createConnection(const http::ConnectionOptions& options) override {
    ++made;
    return Agent::createConnection(options);
  }
  bool keepSocketAlive(net::Socket& socket) override { return Agent::keepSocketAlive(socket); }
  void reuseSocket(net::Socket& socket, http::ClientRequest& request) override {
    Agent::reuseSocket(socket, request);
  }
  std::string getName(const http::RequestOptions& options) const override {
    return Agent::getName(options);
  }
  int made = 0;
};

task<> socketCalls() {
  net::ConnectionOptions options{.host = "localhost",
                                 .port = 80,
                                 .path = {},
                                 .localAddress = {},
                                 .localPort = 0,
                                 .family = 0,
                                 .timeout = 1s,
                                 .lookup = {},
                                 .noDelay = true,
                                 .keepAlive = false,
                                 .keepAliveInitialDelay = 0ms};
  net::Socket socket = co_await net::connect(options);
  net::Socket other = co_await net::connect(options);
  while (auto chunk = co_await socket.read()) co_await socket.write(*chunk);
  if (!socket.write("x")) co_await socket.drain();
  const std::vector<std::byte> bytes(3);
  co_await socket.write(std::string("moved"));
  co_await socket.write(bytes);
  co_await socket.write("68656c6c6f", Encoding::hex);
  co_await socket.write("x", [](error_code) {});
  co_await socket.write(bytes, [](error_code) {});
  co_await socket.write("78", Encoding::hex, [](error_code) {});
  co_await socket.end("bye");
  co_await socket.end();
  co_await socket.end(std::string("moved"));
  co_await socket.end(bytes);
  co_await socket.end("78", Encoding::hex);
  co_await socket.end([](error_code) {});
  co_await socket.end("bye", [](error_code) {});
  co_await socket.end(bytes, [](error_code) {});
  co_await socket.end("78", Encoding::hex, [](error_code) {});
  socket.setTimeout(1s, [] {});
  co_await pipe(socket, other);
  const PipeOptions open{.end = false};
  co_await pipe(socket, other, open);
  socket.pause();
  socket.resume();
  socket.setNoDelay();
  socket.setNoDelay(false);
  socket.setKeepAlive(true, 1s);
  socket.setTimeout(1s);
  (void)(socket.remoteAddress() == socket.remoteFamily() && socket.remotePort() == 0);
  (void)(socket.localAddress().empty() && socket.localPort() == 0);
  (void)(socket.bytesRead() + socket.bytesWritten());
  (void)(socket.connecting() && socket.encrypted());
  socket.on<"data">([](std::string_view) {})
      .on<"end">([] {})
      .on<"drain">([] {})
      .on<"timeout">([] {})
      .on<"error">([](const http::Error&) {})
      .on<"close">([] {})
      .on<"agentRemove">([] {});
  socket.emit<"agentRemove">();
  char buffer[16];
  co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
  co_await socket.async_write_some(asio::buffer(buffer), asio::use_awaitable);
  (void)socket.get_executor();
  socket.destroySoon();
  socket.destroy();
}

void errorCalls() {
  const http::Error error(make_error_code(http::errc::ERR_HTTP_HEADERS_SENT), "what");
  (void)(error.name() == http::errorName(error.code()));
  (void)(error.bytesParsed() == error.rawPacket().size() && error.reason().empty());
  (void)(error.syscall() == error.address() && error.port() == 0);
  (void)(error.code() == http::errc::HPE_INVALID_METHOD);
  http::validateHeaderName("a");
  http::validateHeaderValue("a", "b");
  http::maxHeaderSize = 8192;
}

void urlCalls() {
  http::URL url("path", "http://user:password@example.org:81/?a=b#c");
  (void)(url.href() == url.origin() && url.protocol() == url.username());
  (void)(url.password() == url.hostname() && url.host().empty() && url.port() == "81");
  (void)(url.pathname() == url.hash() && url.search().empty());
  url.searchParams().append("a", "b");
  (void)url.searchParams().get("a");
  (void)url.searchParams().getAll("a");
  url.searchParams().set("a", "c");
  url.searchParams().sort();
}

void clusterCalls() {
  cluster(2, [](boost::asio::io_context&, unsigned) {});
  cluster(2, [](boost::asio::io_context&, unsigned) {}, {.grace = 1s});
}

int main() {}
