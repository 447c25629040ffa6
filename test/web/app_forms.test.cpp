// SPDX-License-Identifier: BSL-1.0
//
// Submitted forms: urlencoded and multipart, whole and part by part, and their limits.
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <sluice/web/app/detail/multipart_parser.hpp>
#include <string>
#include <support/catch.hpp>
#include <support/serve.hpp>

using namespace sluice;
using app::Request;
using app::Response;
using app::Router;
using app::detail::MultipartParser;
using sluice::test::inject;
using sluice::test::InjectResponse;

namespace {

// Each part as "name=content", files as "name(filename,type)=content".
std::string shown(const app::Form& form) {
  std::string text;
  for (const app::FormField& field : form.fields()) text += field.name + "=" + field.value + ";";
  for (const app::FormFile& file : form.files()) {
    text += file.name + "(" + file.filename + "," + file.contentType + ")=" + file.content + ";";
  }
  return text;
}

InjectResponse submit(std::string type, std::string body, app::FormLimits limits = {}) {
  Router router;
  router.post("/", [&](Request& req, Response& res) -> task<> {
    const app::Form form = co_await req.form(limits);
    co_await res.end(shown(form));
  });
  return inject(router,
                {.method = "POST", .headers = {{"Content-Type", type}}, .body = std::move(body)});
}

InjectResponse urlencoded(std::string body, app::FormLimits limits = {}) {
  return submit("application/x-www-form-urlencoded", std::move(body), limits);
}

InjectResponse multipart(std::string body, app::FormLimits limits = {}) {
  return submit("multipart/form-data; boundary=B", std::move(body), limits);
}

std::string part(std::string disposition, std::string content, std::string more = {}) {
  return "--B\r\nContent-Disposition: form-data; " + disposition + "\r\n" + more + "\r\n" +
         content + "\r\n";
}

// As Chromium sends it.
constexpr std::string_view browserType =
    "multipart/form-data; boundary=----WebKitFormBoundaryePkpFF7tjBAqx29L";
constexpr std::string_view browserBody =
    "------WebKitFormBoundaryePkpFF7tjBAqx29L\r\n"
    "Content-Disposition: form-data; name=\"title\"\r\n\r\n"
    "caf\xC3\xA9 \"x\"\r\n"
    "------WebKitFormBoundaryePkpFF7tjBAqx29L\r\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"a%22b.txt\"\r\n"
    "Content-Type: text/plain\r\n\r\n"
    "line\r\n--no boundary\r\n\r\n"
    "\r\n------WebKitFormBoundaryePkpFF7tjBAqx29L\r\n"
    "Content-Disposition: form-data; name=\"none\"; filename=\"\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\n"
    "\r\n------WebKitFormBoundaryePkpFF7tjBAqx29L--\r\n";

// What a parser makes of `body`, given to it in pieces that end at these places.
std::string parsed(std::string_view body, std::size_t first, std::size_t step,
                   std::string_view boundary) {
  MultipartParser parser(boundary, 1000);
  std::string seen;
  std::string piece;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t size = std::min(at == 0 ? first : step, body.size() - at);
    piece = body.substr(at, size);
    at += size;
    std::string_view input = piece;
    while (true) {
      const auto event = parser.next(input);
      if (event == MultipartParser::Event::needMore) break;
      if (event == MultipartParser::Event::part) seen += "[" + std::string(parser.header()) + "]";
      if (event == MultipartParser::Event::data) seen += parser.data();
      if (event == MultipartParser::Event::partEnd) seen += "|";
      if (event == MultipartParser::Event::end) return seen + "end";
      if (event == MultipartParser::Event::failed) return seen + "failed";
      if (event == MultipartParser::Event::tooLarge) return seen + "large";
    }
  }
  return seen + "more";
}

}  // namespace

TEST_CASE("an urlencoded form brings its fields", "[app][forms][plain]") {
  CHECK(urlencoded("a=1&b=x+y%26%C3%A9&a=2&c&=e&").body == "a=1;b=x y&\xC3\xA9;a=2;c=;=e;");
  CHECK(urlencoded("").body.empty());
  CHECK(urlencoded("a=%zz").statusCode == 400);
  CHECK(submit("text/plain", "a=1").statusCode == 415);
  CHECK(inject(
            [](Request& req, Response& res) -> task<> {
              const app::Form form = co_await req.form();
              CHECK(form["a"] == "1");
              CHECK(form.getAll("a").size() == 2);
              CHECK(!form.get("x"));
              CHECK(form["x"].empty());
              CHECK(form.file("a") == nullptr);
              co_await res.end();
            },
            {.method = "POST",
             .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"}},
             .body = "a=1&a=2"})
            .statusCode == 200);
}

TEST_CASE("a multipart form brings fields and files, as browsers send them",
          "[app][forms][plain]") {
  CHECK(submit(std::string(browserType), std::string(browserBody)).body ==
        "title=caf\xC3\xA9 \"x\";file(a%22b.txt,text/plain)=line\r\n--no boundary\r\n\r\n;");
  CHECK(multipart(part("name=f; filename*=UTF-8'en'%e2%82%ac%2fx.txt", "1") +
                  part("name=g; filename*=UTF-8'en'%zz", "2") +
                  part("name=h; filename=a.txt; filename*=UTF-8''b.txt", "3") + "--B--")
            .body == "f(x.txt,)=1;g(,)=2;h(a.txt,)=3;");
  CHECK(multipart(part("name=a", "1") + part("name=\"f\"; filename=\"C:\\dir\\x.bin\"", "2") +
                  part("name=g; filename=../../etc/passwd", "3") + "--B--")
            .body == "a=1;f(x.bin,)=2;g(passwd,)=3;");
  CHECK(multipart("preamble\r\n" + part("name=\"a\\\"b\"", "") + "--B--\r\nepilogue").body ==
        "a\"b=;");
  CHECK(submit("multipart/form-data; boundary=\"x y\"", "--x y--").statusCode == 200);
}

TEST_CASE("a folded header of a part is one line", "[app][forms][plain]") {
  const std::string folded =
      "--B\r\nContent-Disposition: form-data;  \r\n \t name=a;\r\n\tfilename=\r\n  \"x y\"\r\n"
      "Content-Type:\r\n text/plain\r\n \r\n\r\n1\r\n--B--";
  CHECK(multipart(folded).body == "a(x y,text/plain)=1;");
  for (std::size_t first = 1; first <= folded.size(); ++first) {
    REQUIRE(parsed(folded, first, 1, "B") ==
            "[Content-Disposition: form-data; name=a; filename= \"x y\"\r\n"
            "Content-Type: text/plain \r\n]1|end");
  }
  // There is no line that this could go on with.
  CHECK(multipart("--B\r\n name=a\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B--")
            .statusCode == 400);
  // What is folded counts as it came.
  std::string blank = "--B\r\nContent-Disposition: form-data; name=a\r\n";
  for (int line = 0; line < 400; ++line) blank += " \r\n";
  CHECK(parsed(blank, 1, 7, "B") == "large");
}

TEST_CASE("a malformed multipart body is answered 400", "[app][forms][plain]") {
  for (const std::string& body :
       {std::string(), std::string("--B"), part("name=a", "1"), part("name=a", "1") + "--B",
        part("x=a", "1") + "--B--", std::string("--B\r\n\r\nx\r\n--B--"), std::string("--Bx\r\n"),
        std::string("--B\r\nA: b\n\r\n"), std::string("no boundary at all")}) {
    CAPTURE(body);
    CHECK(multipart(body).statusCode == 400);
  }
  CHECK(submit("multipart/form-data", "--B--").statusCode == 400);
  CHECK(submit("multipart/form-data; boundary=" + std::string(71, 'b'), "--B--").statusCode == 400);
}

TEST_CASE("a multipart body is read alike, however it is cut", "[app][forms][plain]") {
  const std::string boundary = "----WebKitFormBoundaryePkpFF7tjBAqx29L";
  const std::string whole = parsed(browserBody, browserBody.size(), 1, boundary);
  CHECK(whole.ends_with("|end"));
  for (std::size_t first = 1; first < browserBody.size(); ++first) {
    REQUIRE(parsed(browserBody, first, browserBody.size(), boundary) == whole);
  }
  for (const std::size_t step : {1U, 2U, 3U, 5U, 7U})
    CHECK(parsed(browserBody, step, step, boundary) == whole);
  // What looks like the beginning of a boundary is content.
  const std::string tricky = "--B\r\n\r\n\r\n-\r\n--\r\r\n--\r\n\r\n--C\r\n--B--";
  CHECK(parsed(tricky, tricky.size(), 1, "B") == "[]\r\n-\r\n--\r\r\n--\r\n\r\n--C|end");
  for (std::size_t first = 1; first < tricky.size(); ++first) {
    CHECK(parsed(tricky, first, 1, "B") == "[]\r\n-\r\n--\r\r\n--\r\n\r\n--C|end");
  }
}

TEST_CASE("content that is full of line ends comes in pieces as large as any other",
          "[app][forms][plain]") {
  for (const char* piece : {"\r", "\r\n", "\r\n-", "\r\n--", "\n", "-"}) {
    CAPTURE(piece);
    std::string content;
    while (content.size() < 10'000) content += piece;
    const std::string body =
        "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + content + "\r\n--b--\r\n";
    app::detail::MultipartParser parser("b", 1000);
    using Event = app::detail::MultipartParser::Event;
    std::string_view input = body;
    std::string seen;
    int pieces = 0;
    for (Event event = parser.next(input); event != Event::end; event = parser.next(input)) {
      REQUIRE(event != Event::needMore);
      REQUIRE(event != Event::failed);
      if (event != Event::data) continue;
      seen += parser.data();
      ++pieces;
    }
    CHECK(seen == content);
    CHECK(pieces == 1);
  }
}

TEST_CASE("the name of a file names no folder", "[app][forms][plain]") {
  const std::pair<std::string, std::string_view> cases[] = {
      {"form-data; name=a; filename=\"b.txt\"", "b.txt"},
      {"form-data; name=a; filename=\"../../b.txt\"", "b.txt"},
      {"form-data; name=a; filename=\"C:\\x\\b.txt\"", "b.txt"},
      {"form-data; name=a; filename=\"..\"", ""},
      {"form-data; name=a; filename=\"x/..\"", ""},
      {"form-data; name=a; filename=\".\"", ""},
      {"form-data; name=a; filename=\"...\"", "..."},
      {"form-data; name=a; filename*=UTF-8''%2e%2e", ""},
      {"form-data; name=a; filename*=UTF-8''x%2Fb.txt", "b.txt"},
      // A file system would read it to the NUL.
      {"form-data; name=a; filename*=UTF-8''b.php%00.png", ""},
      {"form-data; name=a; filename=b.php" + std::string(1, '\0') + ".png", ""}};
  for (const auto& [disposition, name] : cases) {
    CAPTURE(disposition);
    CHECK(app::detail::fileNameOf(disposition) == name);
  }
}

TEST_CASE("what is larger than a limit is answered 413", "[app][forms][plain]") {
  const std::string two = part("name=a", "12345") + part("name=b", "1") + "--B--";
  CHECK(multipart(two, {.parts = 2, .partSize = 5, .name = 1}).statusCode == 200);
  CHECK(multipart(two, {.parts = 1}).statusCode == 413);
  CHECK(multipart(two, {.partSize = 4}).statusCode == 413);
  CHECK(multipart(two, {.size = two.size()}).statusCode == 200);
  CHECK(multipart(two, {.size = two.size() - 1}).statusCode == 413);
  CHECK(multipart(part("name=ab", "") + "--B--", {.name = 1}).statusCode == 413);
  CHECK(multipart(part("name=a; filename=ab", "") + "--B--", {.name = 1}).statusCode == 413);
  CHECK(multipart(part("name=a", "", "X: " + std::string(100, 'x') + "\r\n") + "--B--",
                  {.headers = 100})
            .statusCode == 413);
  CHECK(urlencoded("a=1&b=2", {.size = 7, .parts = 2, .partSize = 1, .name = 1}).statusCode == 200);
  CHECK(urlencoded("a=1&b=2", {.size = 6}).statusCode == 413);
  CHECK(urlencoded("a=1&b=2", {.parts = 1}).statusCode == 413);
  CHECK(urlencoded("a=12", {.partSize = 1}).statusCode == 413);
  CHECK(urlencoded("ab=1", {.name = 1}).statusCode == 413);
}

TEST_CASE("parts() brings one part after the other, and skips what is not read",
          "[app][forms][plain]") {
  std::string seen;
  Router router;
  router.post("/", [&](Request& req, Response& res) -> task<> {
    co_await req.parts([&](app::FormPart& part) -> task<> {
      seen += part.name() + (part.isFile() ? "*" : "") + part.filename() + ":" +
              std::string(part.contentType());
      if (part.name() == "skip") co_return;
      if (part.name() == "half") {
        co_await part.read();
        co_return;
      }
      seen += "=" + co_await part.text();
      const auto piece = co_await part.read();
      CHECK(!piece);
    });
    co_await res.end();
  });
  const auto res = inject(
      router, {.method = "POST",
               .headers = {{"Content-Type", "multipart/form-data; boundary=B"}},
               .body = part("name=skip", "1\r\n2") + part("name=half", "3\r\n4") +
                       part("name=file; filename=x", "5", "Content-Type: a/b\r\n") + "--B--\r\n"});
  CHECK(res.statusCode == 200);
  CHECK(seen == "skip:half:file*x:a/b=5");
}

TEST_CASE("a client is held back while a part is not read", "[app][forms]") {
  asio::io_context* loop = nullptr;
  std::size_t read = 0;
  bool go = false;
  Router router;
  router.post("/", [&](Request& req, Response& res) -> task<> {
    co_await req.parts([&](app::FormPart& part) -> task<> {
      asio::steady_timer timer(*loop, asio::steady_timer::time_point::max());
      while (auto piece = co_await part.read()) {
        read += piece->size();
        while (!go) {
          timer.expires_after(std::chrono::milliseconds(1));
          co_await timer.async_wait(asio::use_awaitable);
        }
      }
    });
    co_await res.end("done");
  });
  sluice::test::Serving wire(router, {});
  loop = &wire.io();
  const std::string body = part("name=f; filename=x", std::string(1'000'000, 'x')) + "--B--";
  wire.wire().chop(16 * 1024);
  wire.wire().deliver(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; "
      "boundary=B\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  wire.io().restart();
  wire.io().run_for(std::chrono::milliseconds(20));
  CHECK(read > 0);
  CHECK(read <= 64 * 1024);
  CHECK(wire.wire().unread().size() > 800'000);
  go = true;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (wire.wire().received().find("done") == std::string_view::npos) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    wire.io().restart();
    wire.io().run_one_until(deadline);
  }
  CHECK(read == 1'000'000);
}
