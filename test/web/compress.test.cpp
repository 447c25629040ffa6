// SPDX-License-Identifier: BSL-1.0
//
// Which responses are compressed, with what, and what becomes of their headers; streams, their
// flushing and what they hold.
#include <optional>
#include <sluice/compress.hpp>
#include <sluice/pipe.hpp>
#include <sluice/test/inject.hpp>
#include <sluice/web/compress/detail/accepted.hpp>
#include <sluice/web/compress/detail/decoder.hpp>
#include <string>
#include <string_view>
#include <support/allocations.hpp>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/gate.hpp>
#include <support/serve.hpp>
#include <utility>
#include <vector>

using namespace sluice::http;
namespace compress = sluice::compress;
using compress::Coding;
using sluice::task;
using sluice::test::Allocations;
using sluice::test::get;
using sluice::test::inject;
using sluice::test::InjectRequest;
using sluice::test::InjectResponse;
using sluice::test::serve;

namespace {

std::string page(std::size_t size = 20'000) {
  std::string text;
  for (unsigned line = 0; text.size() < size; ++line) {
    text += "line " + std::to_string(line * 7919 % 10007) + " of a page\n";
  }
  text.resize(size);
  return text;
}

// The response to a GET that accepts `accepted`, after `act` has prepared and ended it.
template <class F>
InjectResponse answer(std::string_view accepted, F act, const compress::Options& options = {},
                      std::string_view method = "GET") {
  InjectRequest request;
  request.method = method;
  if (!accepted.empty()) request.headers.set("Accept-Encoding", accepted);
  return inject(
      [&](IncomingMessage& req, ServerResponse& res) -> task<> {
        res.setHeader("Content-Type", "text/plain; charset=utf-8");
        compress::apply(req, res, options);
        act(res);
        co_return;
      },
      request);
}

std::string chosen(std::string_view accepted, const compress::Options& options = {}) {
  const auto response = answer(
      accepted, [](ServerResponse& res) { res.end(page()); }, options);
  if (response.statusCode != 200) return std::to_string(response.statusCode);
  return std::string(response.headers.get("content-encoding").value_or("none"));
}

std::string codingOf(const InjectResponse& response) {
  return std::string(response.headers.get("content-encoding").value_or("none"));
}

std::vector<Coding> codings() {
  std::vector<Coding> all = {Coding::gzip, Coding::deflate};
  if (isBuiltIn(Coding::br)) all.push_back(Coding::br);
  if (isBuiltIn(Coding::zstd)) all.push_back(Coding::zstd);
  return all;
}

// The body of a chunked response, as far as it has come.
std::string unchunked(std::string_view bytes) {
  std::string body;
  std::size_t at = bytes.find("\r\n\r\n") + 4;
  while (at < bytes.size()) {
    const std::size_t size = std::stoul(std::string(bytes.substr(at)), nullptr, 16);
    at = bytes.find("\r\n", at) + 2;
    body += bytes.substr(at, size);
    at += size + 2;
  }
  return body;
}

// What the first bytes of an encoded body say.
std::string decodedSoFar(Coding coding, std::string_view bytes) {
  const auto decoder = compress::detail::makeDecoder(coding);
  std::string out;
  std::vector<char> buffer(64 * 1024);
  while (true) {
    const auto [read, written] = decoder->decode(bytes, buffer);
    out.append(buffer.data(), written);
    bytes.remove_prefix(read);
    if (bytes.empty() && written < buffer.size()) return out;
  }
}

}  // namespace

TEST_CASE("a response is compressed with a coding that the request accepts", "[compress]") {
  for (const Coding coding : codings()) {
    const std::string name(codingName(coding));
    CAPTURE(name);
    const auto response = answer(name, [](ServerResponse& res) {
      res.setHeader("Content-Length", 20'000).setHeader("ETag", "\"1\"");
      res.setHeader("Accept-Ranges", "bytes");
      res.end(page());
    });
    CHECK(response.statusCode == 200);
    CHECK(codingOf(response) == name);
    CHECK(response.headers["vary"] == "Accept-Encoding");
    CHECK(response.headers["etag"] == "W/\"1\"");
    CHECK(!response.headers.has("content-length"));
    CHECK(!response.headers.has("accept-ranges"));
    CHECK(response.body.size() < 8'000);
    CHECK(compress::decode(coding, response.body, 20'000) == page());
  }
}

TEST_CASE("the coding is the one with the highest weight, and the preferred of equal ones",
          "[compress]") {
  const compress::Options gzipFirst{.prefer = {Coding::gzip, Coding::deflate}};
  const auto [accepted, wanted] = GENERATE(table<std::string, std::string>({
      {"", "none"},
      {"gzip", "gzip"},
      {"GZip", "gzip"},
      {"x-gzip", "gzip"},
      {"deflate, gzip", "gzip"},
      {"deflate, gzip;q=0.9", "deflate"},
      {"deflate;q=0.1, gzip;q=0.2", "gzip"},
      {"deflate ; q=0.123 , gzip ; Q=0.124", "gzip"},
      {"gzip;q=0", "none"},
      {"gzip;q=0.000, deflate;q=0.001", "deflate"},
      {"*", "gzip"},
      {"*;q=0.5, gzip;q=0.1", "deflate"},
      {"gzip;q=0, *", "deflate"},
      {"identity", "none"},
      {"identity, gzip", "gzip"},
      {"identity;q=0.5, gzip;q=0.4", "none"},
      {"identity;q=0.5, gzip;q=0.5", "gzip"},
      {"br", "none"},
      {"brotli, lzma", "none"},
      {"gzip;q=2, deflate", "deflate"},
      {"gzip;q=, deflate", "deflate"},
      {"gzip;q=1.001, deflate", "deflate"},
      {"gzip;level=9, deflate", "deflate"},
      {", ,gzip, ", "gzip"},
      {"*;q=0, gzip", "gzip"},
      {"identity;q=0, gzip", "gzip"},
      {"identity;q=0", "406"},
      {"*;q=0", "406"},
      {"identity;q=0, br", "406"},
      {"*;q=0, identity;q=0.1", "none"},
  }));
  CAPTURE(accepted);
  CHECK(chosen(accepted, gzipFirst) == wanted);
}

TEST_CASE("without a preference the best coding that is built in is taken", "[compress]") {
  const std::string best = isBuiltIn(Coding::zstd) ? "zstd" : isBuiltIn(Coding::br) ? "br" : "gzip";
  CHECK(chosen("gzip, deflate, br, zstd") == best);
  CHECK(chosen("deflate, gzip") == "gzip");
  CHECK(chosen("gzip, identity", {.prefer = {Coding::identity, Coding::gzip}}) == "none");
}

TEST_CASE("a client that refuses identity gets what it accepts or 406", "[compress]") {
  const auto small = answer("gzip, identity;q=0", [](ServerResponse& res) { res.end("hi"); });
  CHECK(codingOf(small) == "gzip");
  CHECK(compress::decode(Coding::gzip, small.body, 2) == "hi");

  const auto refused = answer("identity;q=0", [](ServerResponse& res) {
    res.setHeader("ETag", "\"1\"");
    res.write(page());
    res.end("more");
  });
  CHECK(refused.statusCode == 406);
  CHECK(refused.statusMessage == "Not Acceptable");
  CHECK(refused.headers["content-length"] == "0");
  CHECK(refused.headers["vary"] == "Accept-Encoding");
  CHECK(!refused.headers.has("content-type"));
  CHECK(!refused.headers.has("etag"));
  CHECK(refused.body.empty());

  const auto written = answer("identity;q=0", [](ServerResponse& res) {
    res.writeHead(200, "Fine", {{"X-A", "b"}});
    res.end("body");
  });
  CHECK(written.statusCode == 406);
  CHECK(written.statusMessage == "Not Acceptable");

  const auto failed = answer("identity;q=0", [](ServerResponse& res) {
    res.statusCode = 404;
    res.end("not here");
  });
  CHECK(failed.statusCode == 404);
  CHECK(failed.body == "not here");
}

TEST_CASE("a body below the threshold and one of another type stay as they are", "[compress]") {
  const auto plain = [](const InjectResponse& response, std::string_view body) {
    CHECK(codingOf(response) == "none");
    CHECK(response.body == body);
    CHECK(response.headers["content-length"] == std::to_string(body.size()));
  };
  plain(answer("gzip", [](ServerResponse& res) { res.end("small"); }), "small");
  plain(answer("gzip",
               [](ServerResponse& res) {
                 res.setHeader("Content-Length", 4);
                 res.write("ab");
                 res.end("cd");
               }),
        "abcd");
  plain(answer("gzip",
               [](ServerResponse& res) { res.setHeader("Content-Type", "image/png").end(page()); }),
        page());
  plain(answer("gzip",
               [](ServerResponse& res) {
                 res.removeHeader("Content-Type");
                 res.end(page());
               }),
        page());
  plain(answer("gzip", [](ServerResponse& res) { res.end(page()); }, {.threshold = 20'001}),
        page());
  CHECK(codingOf(answer("gzip", [](ServerResponse& res) { res.end("x"); }, {.threshold = 0})) ==
        "gzip");
  std::string asked;
  const compress::Options images{.compressible = [&](std::string_view type) {
    asked = type;
    return type == "image/x";
  }};
  CHECK(
      codingOf(answer(
          "gzip", [](ServerResponse& res) { res.setHeader("Content-Type", "image/x").end(page()); },
          images)) == "gzip");
  CHECK(asked == "image/x");
}

TEST_CASE("the types that are worth it", "[compress]") {
  using compress::detail::isCompressible;
  for (const char* type : {"text/html", "TEXT/CSS; charset=x", "application/json",
                           "application/ld+json", "image/svg+xml", "application/wasm", "font/ttf",
                           "application/javascript;x=y", "application/xml", "text/event-stream"}) {
    CHECK(isCompressible(type));
  }
  for (const char* type : {"", "image/png", "video/mp4", "application/zip", "font/woff2",
                           "application/octet-stream", "tex/html", "application/jsonx"}) {
    CHECK(!isCompressible(type));
  }
}

TEST_CASE("responses that must not be changed are not", "[compress]") {
  using Act = void (*)(ServerResponse&);
  const Act act = GENERATE(
      Act([](ServerResponse& res) { res.setHeader("Content-Encoding", "br").end(page()); }),
      Act([](ServerResponse& res) { res.setHeader("Content-Encoding", "identity").end(page()); }),
      Act([](ServerResponse& res) {
        res.setHeader("Cache-Control", "max-age=5, No-Transform").end(page());
      }),
      Act([](ServerResponse& res) {
        res.writeHead(206, {{"Content-Range", "bytes 0-19999/50000"}});
        res.end(page());
      }),
      Act([](ServerResponse& res) {
        res.statusCode = 206;
        res.end(page());
      }));
  const auto response = answer("gzip, identity;q=0", [act](ServerResponse& res) {
    res.setHeader("ETag", "\"1\"");
    act(res);
  });
  CHECK(response.body == page());
  CHECK(response.headers["etag"] == "\"1\"");
  CHECK(!response.headers.has("vary"));
}

TEST_CASE("204 and 304 have no body to compress", "[compress]") {
  const int status = GENERATE(204, 304);
  const auto response = answer("gzip", [status](ServerResponse& res) {
    res.setHeader("ETag", "\"1\"");
    res.writeHead(status);
    res.end();
  });
  CHECK(response.statusCode == status);
  CHECK(codingOf(response) == "none");
  CHECK(response.headers["etag"] == "\"1\"");
}

// RFC 9110 15.4.5: a 304 has the Vary and the ETag of the 200.
TEST_CASE("a 304 says that the answer depends on Accept-Encoding", "[compress]") {
  const auto unchanged = [](std::string_view type, std::string_view kept) {
    const auto handler = [&](IncomingMessage& req, ServerResponse& res) -> task<> {
      compress::apply(req, res);
      if (!type.empty()) res.setHeader("Content-Type", type);
      res.setHeader("ETag", "\"1\"").statusCode = 304;
      co_await res.end();
    };
    return inject(handler, {.headers = {{"Accept-Encoding", "gzip"}, {"If-None-Match", kept}}});
  };
  CHECK(unchanged("", "\"1\"").headers["vary"] == "Accept-Encoding");
  CHECK(unchanged("text/html", "\"1\"").headers["vary"] == "Accept-Encoding");
  CHECK(!unchanged("image/png", "\"1\"").headers.has("vary"));
  CHECK(unchanged("", "\"0\", W/\"1\"").headers["etag"] == "W/\"1\"");
  CHECK(unchanged("", "\"1\"").headers["etag"] == "\"1\"");
}

TEST_CASE("HEAD gets the headers of GET", "[compress]") {
  using Act = void (*)(ServerResponse&);
  const Act act = GENERATE(
      Act([](ServerResponse& res) { res.end(page()); }),
      Act([](ServerResponse& res) { res.setHeader("Content-Length", 20'000).end(page()); }),
      Act([](ServerResponse& res) { res.end("small"); }),
      Act([](ServerResponse& res) { res.setHeader("Content-Type", "image/png").end(page()); }));
  const auto fields = [&](std::string_view method) {
    const auto response = answer(
        "gzip",
        [act](ServerResponse& res) {
          res.setHeader("ETag", "\"1\"").sendDate = false;
          act(res);
        },
        {}, method);
    if (method == "HEAD") CHECK(response.body.empty());
    std::string text;
    for (const auto& [name, value] : response.headers) {
      // How long a body is that is made in one piece is not said without the body.
      if (name == "transfer-encoding" || name == "content-length") continue;
      text += std::string(name) + ": " + std::string(value) + "\n";
    }
    return text;
  };
  CHECK(fields("HEAD") == fields("GET"));
}

TEST_CASE("the answer to HEAD is that of the body that its handler does not make", "[compress]") {
  const auto response = answer(
      "gzip", [](ServerResponse& res) { res.end(); }, {}, "HEAD");
  CHECK(codingOf(response) == "gzip");
}

TEST_CASE("Vary is added to what there is, also if this client gets no coding", "[compress]") {
  const auto [before, after] = GENERATE(table<std::string, std::string>({
      {"Origin", "Origin, Accept-Encoding"},
      {"accept-encoding", "accept-encoding"},
      {"Cookie, Accept-Encoding", "Cookie, Accept-Encoding"},
      {"*", "*"},
  }));
  const auto vary = [before = before](std::string_view accepted) {
    const auto response = answer(accepted, [&](ServerResponse& res) {
      res.setHeader("Vary", std::string_view(before));
      res.end(page());
    });
    return std::string(response.headers["vary"]);
  };
  CHECK(vary("gzip") == after);
  CHECK(vary("") == after);
}

TEST_CASE("a weak ETag stays, and one that is none too", "[compress]") {
  const std::string etag = GENERATE("W/\"1\"", "odd");
  const auto response = answer("gzip", [&](ServerResponse& res) {
    res.setHeader("ETag", std::string_view(etag));
    res.end(page());
  });
  CHECK(response.headers["etag"] == etag);
}

TEST_CASE("what writeHead() brings decides too", "[compress]") {
  const auto response = answer("gzip", [](ServerResponse& res) {
    res.writeHead(201, {{"Content-Type", "image/png"}, {"Content-Length", 20'000}});
    res.end(page());
  });
  CHECK(codingOf(response) == "none");
  const auto text = answer("gzip", [](ServerResponse& res) {
    res.writeHead(201, {{"Content-Length", 20'000}});
    res.end(page());
  });
  CHECK(text.statusCode == 201);
  CHECK(compress::decode(Coding::gzip, text.body, 20'000) == page());
}

TEST_CASE("a coding that is not built in and a head that was sent are refused", "[compress]") {
  answer("gzip", [](ServerResponse& res) {
    res.end();
    CHECK_THROWS_AS(compress::apply(res.req(), res), Error);
  });
  if (isBuiltIn(Coding::br)) return;
  CHECK_THROWS_AS(chosen("br", {.prefer = {Coding::br}}), Error);
}

TEST_CASE("a stream is one encoded body, however it is written", "[compress]") {
  for (const Coding coding : codings()) {
    const auto response = answer(codingName(coding), [](ServerResponse& res) {
      const std::string text = page(100'000);
      std::size_t size = 1;
      for (std::size_t at = 0; at < text.size(); at += size, size = size * 3 % 7001) {
        res.write(std::string_view(text).substr(at, size));
      }
      res.end();
    });
    CHECK(codingOf(response) == codingName(coding));
    CHECK(compress::decode(coding, response.body, 100'000) == page(100'000));
  }
}

TEST_CASE("a client of HTTP/1.0 gets its compressed body until the connection closes",
          "[compress]") {
  auto wire = serve(
      [](IncomingMessage& req, ServerResponse& res) -> task<> {
        compress::apply(req, res);
        co_await res.setHeader("Content-Type", "text/plain").end(page());
      },
      {});
  const std::string bytes = wire.send("GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n");
  CHECK(wire.closed());
  const std::size_t body = bytes.find("\r\n\r\n") + 4;
  CHECK(compress::decode(Coding::gzip, std::string_view(bytes).substr(body), 20'000) == page());
}

TEST_CASE("every write of an event stream arrives, and flushHeaders() sends its head at once",
          "[compress]") {
  for (const Coding coding : codings()) {
    CAPTURE(codingName(coding));
    sluice::test::Gate first, second;
    auto wire = serve(
        [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          compress::apply(req, res);
          res.setHeader("Content-Type", "text/event-stream; charset=utf-8");
          res.flushHeaders();
          co_await first.wait();
          co_await res.write("data: 1\n\n");
          co_await second.wait();
          co_await res.write("data: 2\n\n");
          co_await res.end();
        },
        {});
    const std::string request =
        get("/", "Accept-Encoding: " + std::string(codingName(coding)) + "\r\n");
    CHECK(wire.send(request).ends_with("\r\n\r\n"));
    first.open();
    CHECK(decodedSoFar(coding, unchunked(wire.received())) == "data: 1\n\n");
    second.open();
    CHECK(compress::decode(coding, unchunked(wire.received()), 100) == "data: 1\n\ndata: 2\n\n");
  }
}

TEST_CASE("flush() sends what the encoder of another stream holds back", "[compress]") {
  for (const Coding coding : codings()) {
    CAPTURE(codingName(coding));
    sluice::test::Gate flush, end;
    auto wire = serve(
        [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          compress::apply(req, res);
          res.setHeader("Content-Type", "text/plain");
          co_await res.write("some words");
          co_await flush.wait();
          res.flush();
          co_await end.wait();
          co_await res.end(".");
        },
        {});
    wire.send(get("/", "Accept-Encoding: " + std::string(codingName(coding)) + "\r\n"));
    CHECK(decodedSoFar(coding, unchunked(wire.received())).empty());
    flush.open();
    CHECK(decodedSoFar(coding, unchunked(wire.received())) == "some words");
    end.open();
    CHECK(compress::decode(coding, unchunked(wire.received()), 100) == "some words.");
  }
}

TEST_CASE("an endless stream to a client that does not read holds little", "[compress]") {
  for (const Coding coding : codings()) {
    CAPTURE(codingName(coding));
    const std::string piece = page(8000);
    ServerResponse* response = nullptr;
    std::optional<Allocations> heap;
    auto wire = serve(
        [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          heap.emplace();
          response = &res;
          compress::apply(req, res);
          res.setHeader("Content-Type", "text/plain");
          while (true) co_await res.write(piece);
        },
        {});
    wire.wire().room(1000);
    wire.send(get("/", "Accept-Encoding: " + std::string(codingName(coding)) + "\r\n"));
    const std::size_t mark = 16 * 1024;
    const bool isZlib = coding == Coding::gzip || coding == Coding::deflate;
    const std::size_t encoder = isZlib ? 64 * 1024 : 1024 * 1024;
    REQUIRE(response != nullptr);
    CHECK(response->writableLength() >= mark);
    CHECK(response->writableLength() < mark + 64 * 1024);
    // With the buffer that the waiting bytes are in, and the one that they were made in.
    CHECK(heap->live() < static_cast<std::ptrdiff_t>(2 * mark + encoder + 32 * 1024));
    CHECK(heap->live() > static_cast<std::ptrdiff_t>(mark));
  }
}

TEST_CASE("a warm compressed answer takes nothing from the heap", "[compress]") {
  for (const Coding coding : codings()) {
    CAPTURE(codingName(coding));
    const std::string text = page();
    auto wire = serve(
        [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          compress::apply(req, res);
          res.setHeader("ETag", "\"a-long-entity-tag-of-this-page\"");
          res.setHeader("Content-Type", "text/plain; charset=utf-8");
          if (req.url() == "/whole") {
            res.end(std::string_view(text));
          } else {
            res.write(std::string_view(text));
            res.end();
          }
          co_return;
        },
        {});
    const char* target = GENERATE("/whole", "/stream");
    // How often twenty answers take memory, the transport in memory included.
    const auto count = [&](std::string_view accepted) {
      const std::string request = get(target, "Accept-Encoding: " + std::string(accepted) + "\r\n");
      std::optional<Allocations> heap;
      for (int i = 0; i < 25; ++i) {
        if (i == 5) heap.emplace();
        wire.wire().deliver(request);
        wire.settle();
      }
      return heap->count();
    };
    const std::size_t plain = count("none");
    wire.take();
    const std::size_t compressed = count(codingName(coding));
    CHECK(compressed <= plain);
    CHECK(wire.take().find("Content-Encoding: " + std::string(codingName(coding))) !=
          std::string::npos);
  }
}

TEST_CASE("an encoder is used again after a response that was cut off", "[compress]") {
  for (const Coding coding : codings()) {
    auto wire = serve(
        [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          compress::apply(req, res);
          res.setHeader("Content-Type", "text/plain");
          co_await res.write(page());
          if (req.url() == "/cut") {
            res.destroy();
            co_return;
          }
          co_await res.end();
        },
        {});
    const std::string accept = "Accept-Encoding: " + std::string(codingName(coding)) + "\r\n";
    wire.send(get("/cut", accept));
    auto& other = wire.connect();
    CHECK(compress::decode(coding, unchunked(other.send(get("/", accept))), 20'000) == page());
  }
}

TEST_CASE("levels are of the coding's own scale, and cut to it", "[compress]") {
  const std::string text = page(60'000);
  for (const Coding coding : codings()) {
    CAPTURE(codingName(coding));
    const std::string fast = compress::encode(coding, text, 1);
    const std::string best = compress::encode(coding, text, 1000);
    CHECK(best.size() != fast.size());
    CHECK(compress::decode(coding, fast, text.size()) == text);
    CHECK(compress::decode(coding, best, text.size()) == text);
    CHECK(compress::decode(coding, compress::encode(coding, text), text.size()) == text);
  }
}
