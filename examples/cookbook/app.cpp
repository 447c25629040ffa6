// SPDX-License-Identifier: BSL-1.0
//
// The cookbook's recipes for the router of <sluice/app.hpp>. Each is cut into docs/cookbook/.
#include <boost/json/src.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sluice/app.hpp>
#include <sluice/compress.hpp>
#include <sluice/test.hpp>
#include <sluice/web/app/compression.hpp>
#include <sluice/web/app/sessions.hpp>
#include <string>
#include "check.hpp"

using namespace sluice;
namespace json = boost::json;

// [routes]
app::Router routes() {
  app::Router router;
  router.get("/users/:id", [](app::Request& req, app::Response& res) -> task<> {
    co_await res.end("user " + std::string(req.param("id")) + "\n");
  });
  router.get("/files/*path", [](app::Request& req, app::Response& res) -> task<> {
    co_await res.end("file " + std::string(req.param("path")) + "\n");
  });
  return router;  // http::createServer(loop, routes())
}
// [/routes]

// [json]
task<> addUser(app::Request& req, app::Response& res) {
  boost::system::error_code ec;
  const json::value user = json::parse(co_await req.text(64 * 1024), ec);
  if (ec || !user.is_object()) throw app::HttpError{400, "a JSON object is needed"};
  const json::object answer{{"id", 7}, {"name", user.as_object().at("name")}};
  res.status(201);
  co_await res.json(answer);
}
// [/json]

// [query]
task<> search(app::Request& req, app::Response& res) {
  const std::string text = req.query("q").value_or("");       // ?q=two%20words
  const std::vector<std::string> tags = req.queryAll("tag");  // ?tag=a&tag=b
  co_await res.end(text + ", " + std::to_string(tags.size()) + " tags\n");
}
// [/query]

// [form]
task<> signUp(app::Request& req, app::Response& res) {
  const app::Form form = co_await req.form();  // urlencoded or multipart, at most 16 MiB
  if (form["name"].empty()) throw app::HttpError{422, "a name is needed"};
  co_await res.end("Hello, " + std::string(form["name"]) + "!\n");
}
// [/form]

// [upload]
task<> upload(app::Request& req, app::Response& res) {
  std::size_t bytes = 0;
  const auto take = [&bytes](app::FormPart& part) -> task<> {
    // A file of any size: the client waits while a piece is not read.
    while (auto piece = co_await part.read()) {
      bytes += piece->size();
      if (bytes > 1024 * 1024 * 1024) throw app::HttpError{413, "at most 1 GiB"};
    }
  };
  co_await req.parts(take);
  co_await res.end(std::to_string(bytes) + " bytes\n");
}
// [/upload]

// [cookies]
task<> remember(app::Request& req, app::Response& res) {
  const std::string before(req.cookie("theme").value_or("light"));
  res.cookie("theme", "dark", {.httpOnly = true, .sameSite = app::SameSite::lax});
  co_await res.end("it was " + before + "\n");
}
// [/cookies]

// [sessions]
app::Router shop() {
  app::SessionOptions options;
  options.secrets = {"32 bytes or more, from a secret file"};  // the first signs, all verify
  app::Router router;
  router.use(app::sessions(options));
  router.post("/login", [](app::Request& req, app::Response& res) -> task<> {
    req.locals<app::Session>().set("user", "ada");
    co_await res.end("welcome\n");
  });
  router.get("/me", [](app::Request& req, app::Response& res) -> task<> {
    const auto user = req.locals<app::Session>().get("user");
    if (!user) throw app::HttpError{401};
    co_await res.end(std::string(*user) + "\n");
  });
  return router;
}
// [/sessions]

// [static_files]
app::Router website(const std::filesystem::path& folder) {
  app::StaticOptions options;
  options.maxAge = std::chrono::hours(1);
  app::Router router;
  router.use(app::staticFiles(folder, options));  // index.html, ranges, ETag, 304; never outside
  return router;
}
// [/static_files]

// [download]
task<> report(app::Request&, app::Response& res) {
  app::SendFileOptions options;
  options.attachment = "report.csv";  // the name under which the browser saves it
  co_await res.sendFile(std::filesystem::temp_directory_path() / "sluice-report.csv", options);
}
// [/download]

// [error_pages]
task<> showError(std::exception_ptr failure, app::Request&, app::Response& res) {
  int status = 500;
  try {
    std::rethrow_exception(failure);
  } catch (const app::HttpError& error) {
    status = error.status;
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;  // for us, not for the client
  }
  res.status(status);
  co_await res.html("<h1>" + std::to_string(status) + "</h1>");
}

task<> notFound(app::Request&, app::Response&) {
  throw app::HttpError{404};
  co_return;
}
// [/error_pages]

// [auth]
task<> onlyWithToken(app::Request& req, app::Response& res, app::Next next) {
  if (req.headers()["authorization"] != "Bearer secret") {
    res.setHeader("WWW-Authenticate", "Bearer");
    throw app::HttpError{401};
  }
  co_await next();  // what was added later, and the route
}
// [/auth]

// [api]
app::Router api() {
  app::RateLimitOptions rate;
  rate.limit = 100;  // requests of a client in each window; above: 429 with Retry-After
  rate.window = std::chrono::minutes(1);
  app::CorsOptions origins;
  origins.origins = {"https://app.example"};
  app::Router router;
  router.use(app::cors(origins));
  router.use(app::rateLimit(rate));
  router.use("/admin", onlyWithToken);
  router.get("/admin/users",
             [](app::Request&, app::Response& res) -> task<> { co_await res.json(R"(["ada"])"); });
  return router;
}
// [/api]

// [compression]
app::Router compressed() {
  app::Router router;
  router.use(app::compression());  // zstd, br, gzip or deflate, as the client prefers
  router.get("/", [](app::Request&, app::Response& res) -> task<> {
    co_await res.html(std::string(5000, 'x'));
  });
  return router;
}
// [/compression]

// [observe]
app::Router observed(http::Server& server) {
  auto health = app::health();
  auto metrics = app::metrics();
  health.watch(server);   // /readyz answers 503 as soon as the server shuts down
  metrics.watch(server);  // /metrics, for Prometheus
  app::LogOptions log;
  log.format = app::LogFormat::json;
  app::Router router;
  router.use(health);
  router.use(metrics);
  router.use(app::accessLog(log));
  router.use(app::requestId());
  router.get("/", [](app::Request& req, app::Response& res) -> task<> {
    co_await res.end(req.locals<app::RequestId>().value + "\n");
  });
  return router;
}
// [/observe]

// [client_ip]
app::Router behindProxy() {
  app::Router router;
  router.trustProxy({"loopback", "10.0.0.0/8"});
  router.get("/", [](app::Request& req, app::Response& res) -> task<> {
    co_await res.end(req.ip() + " by " + req.protocol() + "\n");
  });
  return router;
}
// [/client_ip]

// [time_limit]
app::Router patient() {
  app::Router router;
  router.use(app::timeLimit(std::chrono::seconds(30)));  // then the handler is cancelled: 503
  router.get("/", [](app::Request&, app::Response& res) -> task<> {
    co_await sleepFor(std::chrono::hours(1));
    co_await res.end("late\n");
  });
  return router;
}
// [/time_limit]

// [mount]
app::Router mounted() {
  app::Router version1;
  version1.get("/ping",
               [](app::Request&, app::Response& res) -> task<> { co_await res.end("pong\n"); });
  app::Router router;
  router.use("/api/v1", version1);  // complete by now: GET /api/v1/ping
  return router;
}
// [/mount]

// [shared_state]
class Notes {
 public:
  task<> list(app::Request&, app::Response& res) {
    json::array all;
    for (const auto& [id, text] : notes_) all.push_back(json::object{{"id", id}, {"text", text}});
    co_await res.json(all);
  }
  task<> add(app::Request& req, app::Response& res) {
    notes_[++last_] = co_await req.text(4096);
    res.status(201);
    co_await res.end();
  }

 private:
  std::map<int, std::string> notes_;
  int last_ = 0;
};

app::Router notesApi(Notes& notes) {
  app::Router router;
  router.get("/notes", &Notes::list, notes);
  router.post("/notes", &Notes::add, notes);
  return router;
}
// [/shared_state]

int main() {
  using test::inject;
  check(inject(routes(), {.url = "/users/7"}).body == "user 7\n", "routes");
  check(inject(routes(), {.url = "/files/a/b"}).body == "file a/b\n", "routes, rest of the path");
  app::Router all;
  all.onError(showError);
  all.post("/users", addUser).get("/search", search).post("/form", signUp).post("/up", upload);
  all.get("/cookie", remember).get("/report", report).get("/*rest", notFound);
  const auto added = inject(all, {.method = "POST", .url = "/users", .body = R"({"name":"ada"})"});
  check(added.statusCode == 201 && added.body == R"({"id":7,"name":"ada"})", "json");
  check(inject(all, {.method = "POST", .url = "/users", .body = "{"}).statusCode == 400, "no json");
  check(inject(all, {.url = "/search?q=two%20words&tag=a&tag=b"}).body == "two words, 2 tags\n",
        "query");
  const http::Headers form{{"Content-Type", "application/x-www-form-urlencoded"}};
  check(inject(all, {.method = "POST", .url = "/form", .headers = form, .body = "name=ada"}).body ==
            "Hello, ada!\n",
        "form");
  const http::Headers multipart{{"Content-Type", "multipart/form-data; boundary=b"}};
  const std::string parts =
      "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n12345\r\n--b--\r\n";
  check(inject(all, {.method = "POST", .url = "/up", .headers = multipart, .body = parts}).body ==
            "5 bytes\n",
        "upload");
  check(inject(all, {.url = "/cookie"}).headers.has("set-cookie"), "cookies");
  const auto missing = inject(all, {.url = "/none"});
  check(missing.statusCode == 404 && missing.body == "<h1>404</h1>", "error_pages");
  const auto file = std::filesystem::temp_directory_path() / "sluice-report.csv";
  std::ofstream(file) << "a;b\n";
  check(inject(all, {.url = "/report"}).body == "a;b\n", "download");
  check(inject(website(file.parent_path()), {.url = "/sluice-report.csv"}).body == "a;b\n",
        "static_files");
  std::filesystem::remove(file);
  check(inject(shop(), {.url = "/me"}).statusCode == 401, "sessions");
  check(inject(api(), {.url = "/admin/users"}).statusCode == 401, "auth");
  check(inject(api(), {.url = "/admin/users",
                       .headers = http::Headers{{"Authorization", "Bearer secret"}}})
                .body == R"(["ada"])",
        "api");
  check(inject(compressed(), {.headers = http::Headers{{"Accept-Encoding", "gzip"}}})
                .headers["content-encoding"] == "gzip",
        "compression");
  asio::io_context loop(1);
  auto server = http::createServer(loop);
  check(inject(observed(server), {.url = "/livez"}).statusCode == 200, "observe");
  check(inject(behindProxy()).statusCode == 200, "client_ip");
  check(inject(mounted(), {.url = "/api/v1/ping"}).body == "pong\n", "mount");
  Notes notes;
  check(inject(notesApi(notes), {.method = "POST", .url = "/notes", .body = "x"}).statusCode == 201,
        "shared_state");
  check(inject(notesApi(notes), {.url = "/notes"}).body == R"([{"id":1,"text":"x"}])", "state");
  auto limited = http::createServer(loop, patient());
  test::Clock clock(loop);
  test::Wire wire(loop);
  wire.deliver("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  limited.serve(wire.socket());
  clock.advance(std::chrono::seconds(30));
  check(wire.received().starts_with("HTTP/1.1 503"), "time_limit");
}
