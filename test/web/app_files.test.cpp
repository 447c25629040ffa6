// SPDX-License-Identifier: BSL-1.0
//
// Files over HTTP: what is sent of them, and under which conditions.
#include <chrono>
#include <fstream>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include <support/catch.hpp>
#include "files.hpp"

using namespace files;
using namespace sluice;
using namespace std::chrono_literals;
using app::Request;
using app::Response;
using app::Router;
using sluice::test::inject;

TEST_CASE("a file is sent with its type, length and validators", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "hello");
  folder.write("empty.css", "");
  folder.write(u8"sub dir/b\u00E9.json", "{}");
  folder.write("noext", "x");
  const Router router = serving(folder);
  const auto res = get(router, "/f/a.txt");
  CHECK(res.statusCode == 200);
  CHECK(res.body == "hello");
  CHECK(res.headers["content-type"] == "text/plain; charset=utf-8");
  CHECK(res.headers["content-length"] == "5");
  CHECK(res.headers["accept-ranges"] == "bytes");
  CHECK(res.headers["cache-control"] == "public, max-age=0");
  CHECK(res.headers["etag"].starts_with('"'));
  CHECK(res.headers["last-modified"].ends_with(" GMT"));
  CHECK(!res.headers.has("vary"));
  CHECK(get(router, "/f/empty.css").body.empty());
  CHECK(get(router, "/f/empty.css").headers["content-length"] == "0");
  CHECK(get(router, "/f/sub%20dir/b%C3%A9.json").body == "{}");
  CHECK(get(router, "/f/noext").headers["content-type"] == "application/octet-stream");
  CHECK(get(router, "/f/nothing").statusCode == 404);
  CHECK(get(router, "/f/a.txt/").statusCode == 404);
  CHECK(get(router, "/g/a.txt").statusCode == 404);
}

TEST_CASE("HEAD has the headers of GET and no body", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "hello");
  const Router router = serving(folder);
  const auto head = get(router, "/f/a.txt", {{"Range", "bytes=0-1"}}, "HEAD");
  CHECK(head.statusCode == 200);
  CHECK(head.headers["content-length"] == "5");
  CHECK(head.raw.ends_with("\r\n\r\n"));
  CHECK(get(router, "/f/a.txt", {}, "POST").statusCode == 404);
}

TEST_CASE("an index stands for its folder, and a folder's path ends with a slash",
          "[app][files][plain]") {
  const Folder folder;
  folder.write("index.html", "root");
  folder.write("sub/index.html", "sub");
  folder.write("bare/x", "x");
  const Router router = serving(folder);
  CHECK(get(router, "/f/").body == "root");
  CHECK(get(router, "/f/sub/").body == "sub");
  CHECK(get(router, "/f/sub/").headers["content-type"] == "text/html; charset=utf-8");
  const auto redirect = get(router, "/f/sub?x=1");
  CHECK(redirect.statusCode == 301);
  CHECK(redirect.headers["location"] == "/f/sub/?x=1");
  CHECK(get(router, "/f/bare/").statusCode == 404);
  CHECK(get(router, "/f").headers["location"] == "/f/");
  CHECK(get(serving(folder, {.redirect = false}), "/f").body == "root");
  CHECK(get(serving(folder, {.redirect = false}), "/f/sub").statusCode == 404);
  CHECK(get(serving(folder, {.index = ""}), "/f/sub/").statusCode == 404);

  // Never to another host.
  Router bare;
  bare.use(app::staticFiles(folder.root()));
  fs::create_directories(folder.root() / "evil.com");
  CHECK(get(bare, "//evil.com").headers["location"] == "/evil.com/");
  CHECK(get(bare, "/%2Fevil.com").statusCode == 404);
  CHECK(get(bare, "/\\evil.com").statusCode == 404);
}

TEST_CASE("the path of a folder keeps an encoded slash in the prefix", "[app][files][plain]") {
  const Folder folder;
  folder.write("sub dir/index.html", "sub");
  Router router;
  router.use("/:tenant", app::staticFiles(folder.root()));
  const std::string location(get(router, "/a%2Fb%25/sub%20dir?x=1").headers["location"]);
  CHECK(location == "/a%2Fb%25/sub%20dir/?x=1");
  CHECK(get(router, location).body == "sub");
}

TEST_CASE("one range is 206, several are multipart, one behind the end is 416",
          "[app][files][plain]") {
  const Folder folder;
  for (const std::size_t size : {std::size_t{1000}, std::size_t{500'000}}) {
    const std::string content = numbers(size);
    folder.write("a.txt", content);
    const Router router = serving(folder);
    const auto range = [&](std::string value) {
      return get(router, "/f/a.txt", {{"Range", "bytes=" + value}});
    };
    const std::string total = std::to_string(size);
    auto res = range("10-19");
    CHECK(res.statusCode == 206);
    CHECK(res.body == content.substr(10, 10));
    CHECK(res.headers["content-range"] == "bytes 10-19/" + total);
    CHECK(res.headers["content-length"] == "10");
    CHECK(range("-7").body == content.substr(size - 7));
    CHECK(range("990-").body == content.substr(990));
    CHECK(range("5-99999999999999999999").body == content.substr(5));
    CHECK(range("0-0,99999999-").body == content.substr(0, 1));
    res = range("99999999-");
    CHECK(res.statusCode == 416);
    CHECK(res.headers["content-range"] == "bytes */" + total);
    for (const char* ignored : {"x", "5-4", "1", "", "0-1;2", "0-,0-", "-", "a-b"}) {
      CAPTURE(ignored);
      CHECK(range(ignored).statusCode == 200);
    }
    CHECK(get(router, "/f/a.txt", {{"Range", "lines=1-2"}}).statusCode == 200);

    res = range("0-4, 100-109,-3");
    CHECK(res.statusCode == 206);
    const std::string type(res.headers["content-type"]);
    REQUIRE(type.starts_with("multipart/byteranges; boundary="));
    const std::string boundary = type.substr(type.find('=') + 1);
    const auto part = [&](std::string where, std::string_view bytes) {
      return "\r\n--" + boundary +
             "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes " + where + "/" +
             total + "\r\n\r\n" + std::string(bytes);
    };
    CHECK(res.body == part("0-4", content.substr(0, 5)) + part("100-109", content.substr(100, 10)) +
                          part(std::to_string(size - 3) + "-" + std::to_string(size - 1),
                               content.substr(size - 3)) +
                          "\r\n--" + boundary + "--\r\n");
    CHECK(res.headers["content-length"] == std::to_string(res.body.size()));
    CHECK(get(router, "/f/a.txt").body == content);
  }
}

TEST_CASE("a list of more than 32 ranges is no list", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", numbers(1000));
  const Router router = serving(folder);
  const auto asking = [&](int count) {
    std::string list = "bytes=0-0";
    for (int i = 1; i != count; ++i) {
      list += ',' + std::to_string(3 * i) + '-' + std::to_string(3 * i);
    }
    return get(router, "/f/a.txt", {{"Range", list}}).statusCode;
  };
  CHECK(asking(32) == 206);
  CHECK(asking(33) == 200);
  CHECK(asking(300) == 200);
}

// RFC 9110 14.1.1: a range from the end is satisfiable unless its length is 0.
TEST_CASE("the last bytes of an empty file are all of it, and others are not there",
          "[app][files][plain]") {
  const Folder folder;
  folder.write("empty.txt", "");
  const Router router = serving(folder);
  const auto range = [&](std::string_view value) {
    return get(router, "/f/empty.txt", {{"Range", value}});
  };
  const auto all = range("bytes=-5");
  CHECK(all.statusCode == 200);
  CHECK(all.headers["content-length"] == "0");
  CHECK(!all.headers.has("content-range"));
  for (const char* none : {"bytes=-0", "bytes=0-", "bytes=0-99", "bytes=7-"}) {
    CAPTURE(none);
    CHECK(range(none).statusCode == 416);
    CHECK(range(none).headers["content-range"] == "bytes */0");
  }
}

TEST_CASE("conditions are asked in the order of RFC 9110", "[app][files][plain]") {
  const Folder folder;
  const fs::path file = folder.write("a.txt", "hello");
  fs::last_write_time(file, fs::file_time_type::clock::now() - 1h);
  const Router router = serving(folder);
  const auto first = get(router, "/f/a.txt");
  const std::string tag(first.headers["etag"]), date(first.headers["last-modified"]);
  const std::string before = "Sun, 06 Nov 1994 08:49:37 GMT",
                    after = "Fri, 01 Jan 2100 00:00:00 GMT";
  const auto status = [&](http::Headers headers) {
    return get(router, "/f/a.txt", headers).statusCode;
  };

  CHECK(status({{"If-None-Match", tag}}) == 304);
  CHECK(status({{"If-None-Match", "\"x\", W/" + tag}}) == 304);
  CHECK(status({{"If-None-Match", "*"}}) == 304);
  // RFC 9110 8.8.3: a backslash in a tag escapes nothing, and a comma may be in one.
  CHECK(status({{"If-None-Match", "\"a\\\", \"b,\", " + tag}}) == 304);
  CHECK(status({{"If-Match", "\"a\\\", " + tag}}) == 200);
  CHECK(status({{"If-None-Match", "\"x\""}}) == 200);
  CHECK(status({{"If-Modified-Since", date}}) == 304);
  CHECK(status({{"If-Modified-Since", after}}) == 304);
  CHECK(status({{"If-Modified-Since", before}}) == 200);
  CHECK(status({{"If-Modified-Since", "yesterday"}}) == 200);
  CHECK(status({{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}) == 200);
  CHECK(status({{"If-Modified-Since", "Fri Jan  1 00:00:00 2100"}}) == 304);
  // A tag wins over a date.
  CHECK(status({{"If-None-Match", "\"x\""}, {"If-Modified-Since", after}}) == 200);
  CHECK(status({{"If-None-Match", tag}, {"If-Modified-Since", before}}) == 304);

  CHECK(status({{"If-Match", tag}}) == 200);
  CHECK(status({{"If-Match", "*"}}) == 200);
  CHECK(status({{"If-Match", "W/" + tag}}) == 412);
  CHECK(status({{"If-Match", "\"x\""}, {"If-None-Match", tag}}) == 412);
  CHECK(status({{"If-Unmodified-Since", before}}) == 412);
  CHECK(status({{"If-Unmodified-Since", date}}) == 200);
  CHECK(status({{"If-Match", tag}, {"If-Unmodified-Since", before}}) == 200);
  CHECK(status({{"If-Match", tag}, {"If-None-Match", tag}}) == 304);
  CHECK(status({{"If-Match", "\"x\""}, {"Range", "bytes=0-1"}}) == 412);
  CHECK(status({{"If-None-Match", tag}, {"Range", "bytes=0-1"}}) == 304);

  CHECK(status({{"If-Range", tag}, {"Range", "bytes=0-1"}}) == 206);
  CHECK(status({{"If-Range", "W/" + tag}, {"Range", "bytes=0-1"}}) == 200);
  CHECK(status({{"If-Range", "\"x\""}, {"Range", "bytes=0-1"}}) == 200);
  CHECK(status({{"If-Range", date}, {"Range", "bytes=0-1"}}) == 206);
  CHECK(status({{"If-Range", after}, {"Range", "bytes=0-1"}}) == 200);
  CHECK(status({{"If-Range", "\"x\""}, {"Range", "bytes=9-"}}) == 200);

  const auto fresh = get(router, "/f/a.txt", {{"If-None-Match", tag}});
  CHECK(fresh.body.empty());
  CHECK(fresh.headers["etag"] == tag);
  CHECK(!fresh.headers.has("content-type"));
  CHECK(!fresh.headers.has("content-length"));
  // A new version has a new tag.
  folder.write("a.txt", "hellO");
  CHECK(get(router, "/f/a.txt", {{"If-None-Match", tag}}).statusCode == 200);
}

TEST_CASE("the validators that a handler sets are those that count", "[app][files][plain]") {
  const Folder folder;
  const fs::path file = folder.write("a.txt", "0123456789");
  constexpr const char* date = "Sun, 06 Nov 1994 08:49:37 GMT";
  Router router;
  router.get("/", [&](Request&, Response& res) -> task<> {
    res.setHeader("ETag", "\"v1\"").setHeader("Last-Modified", date);
    return res.sendFile(file);
  });
  const auto status = [&](http::Headers headers) {
    const auto res = inject(router, {.headers = std::move(headers)});
    const bool failed = res.statusCode == 412;
    CHECK(res.headers["etag"] == (failed ? "" : "\"v1\""));
    CHECK(res.headers["last-modified"] == (failed ? "" : date));
    return res.statusCode;
  };
  CHECK(status({}) == 200);
  CHECK(status({{"If-None-Match", "\"v1\""}}) == 304);
  CHECK(status({{"If-None-Match", "\"v2\""}}) == 200);
  CHECK(status({{"If-Match", "\"v1\""}}) == 200);
  CHECK(status({{"If-Match", "\"v2\""}}) == 412);
  CHECK(status({{"If-Modified-Since", date}}) == 304);
  CHECK(status({{"If-Unmodified-Since", date}}) == 200);
  CHECK(status({{"If-Range", "\"v1\""}, {"Range", "bytes=0-1"}}) == 206);
  CHECK(status({{"If-Range", date}, {"Range", "bytes=0-1"}}) == 206);
  CHECK(status({{"If-Range", "\"v2\""}, {"Range", "bytes=0-1"}}) == 200);
}

TEST_CASE("a precompressed sibling is sent if the client accepts it", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.js", "plain");
  folder.write("a.js.gz", "gzip bytes");
  folder.write("a.js.br", "brotli bytes");
  folder.write("b.js", "alone");
  const Router router = serving(folder);
  const auto with = [&](std::string accepted) {
    return get(router, "/f/a.js", {{"Accept-Encoding", accepted}});
  };
  const auto res = with("gzip, br");
  CHECK(res.body == "brotli bytes");
  CHECK(res.headers["content-encoding"] == "br");
  CHECK(res.headers["vary"] == "Accept-Encoding");
  CHECK(res.headers["content-type"] == "text/javascript; charset=utf-8");
  CHECK(with("gzip").body == "gzip bytes");
  CHECK(with("gzip;q=0.9, br;q=0.1").body == "gzip bytes");
  CHECK(with("br;q=0, *").body == "gzip bytes");
  CHECK(with("deflate, zstd").body == "plain");
  CHECK(with("identity, gzip;q=0.5").body == "plain");
  CHECK(with("identity;q=0.5, gzip;q=0.5").body == "gzip bytes");
  CHECK(get(router, "/f/a.js").body == "plain");
  CHECK(get(router, "/f/a.js").headers["vary"] == "Accept-Encoding");
  CHECK(with("gzip").headers["etag"] != get(router, "/f/a.js").headers["etag"]);
  CHECK(!get(router, "/f/b.js", {{"Accept-Encoding", "br"}}).headers.has("vary"));
  const auto part = get(router, "/f/a.js", {{"Accept-Encoding", "br"}, {"Range", "bytes=0-5"}});
  CHECK(part.body == "brotli");
  CHECK(
      get(serving(folder, {.precompressed = false}), "/f/a.js", {{"Accept-Encoding", "br"}}).body ==
      "plain");
}

TEST_CASE("caching is as the options say", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.1234.js", "x");
  const auto res = get(serving(folder, {.maxAge = 24h * 365,
                                        .immutable = true,
                                        .etag = false,
                                        .lastModified = false,
                                        .ranges = false}),
                       "/f/a.1234.js");
  CHECK(res.headers["cache-control"] == "public, max-age=31536000, immutable");
  CHECK(!res.headers.has("etag"));
  CHECK(!res.headers.has("last-modified"));
  CHECK(!res.headers.has("accept-ranges"));
  CHECK(
      get(serving(folder, {.cacheControl = "no-store"}), "/f/a.1234.js").headers["cache-control"] ==
      "no-store");
}

TEST_CASE("412 and 416 are not kept by caches as long as the file is", "[app][files][plain]") {
  const Folder folder;
  const fs::path file = folder.write("a.js", "x");
  folder.write("a.js.br", "y");
  Router router;
  router.use("/f", app::staticFiles(folder.root(), {.maxAge = 24h * 365, .immutable = true}));
  router.get("/saved", [&file](Request&, Response& res) -> task<> {
    res.setHeader("Expires", "Thu, 01 Jan 2099 00:00:00 GMT").setHeader("X-Kept", "1");
    res.setHeader("Content-Language", "de");
    app::SendFileOptions options;
    options.attachment = "a.js";
    return res.sendFile(file, options);
  });
  for (const char* url : {"/f/a.js", "/saved"}) {
    for (const char* condition : {"If-Match", "Range"}) {
      CAPTURE(url, condition);
      const bool range = condition == std::string_view("Range");
      const auto res = get(router, url, {{condition, range ? "bytes=99-" : "\"x\""}});
      CHECK(res.statusCode == (range ? 416 : 412));
      CHECK(res.headers.has("content-range") == range);
      CHECK(res.body == (range ? "Range Not Satisfiable" : ""));
      for (const char* name : {"cache-control", "etag", "last-modified", "expires",
                               "content-language", "content-disposition", "content-encoding"}) {
        CAPTURE(name);
        CHECK(!res.headers.has(name));
      }
      CHECK(res.headers.has("x-kept") == (url == std::string_view("/saved")));
    }
  }
  // What has not changed is kept as the file is.
  const auto same = get(router, "/f/a.js", {{"If-None-Match", "*"}});
  CHECK(same.statusCode == 304);
  CHECK(same.headers["cache-control"] == "public, max-age=31536000, immutable");
}

TEST_CASE("a missing file is left to the next step, or 404", "[app][files][plain]") {
  const Folder folder;
  for (const bool fallthrough : {true, false}) {
    Router router;
    router.use(app::staticFiles(folder.root(), {.fallthrough = fallthrough}));
    router.use([](Request&, Response& res) -> task<> { co_await res.end("next"); });
    CHECK(get(router, "/x").statusCode == (fallthrough ? 200 : 404));
    CHECK(get(router, "/x", {}, "POST").body == "next");
  }
  CHECK_THROWS_AS(app::staticFiles(folder.root() / "nothing"), fs::filesystem_error);
}

TEST_CASE("sendFile() sends any file, and throws for what is none",
          "[app][Response][files][plain]") {
  const Folder folder;
  const fs::path file = folder.write("a.txt", "hello");
  Router router;
  router.get("/a", [&](Request&, Response& res) -> task<> { co_await res.sendFile(file); });
  router.get("/none", [&](Request&, Response& res) -> task<> {
    co_await res.sendFile(folder.root() / "none");
  });
  router.get("/folder",
             [&](Request&, Response& res) -> task<> { co_await res.sendFile(folder.root()); });
  router.get("/missing",
             [&](Request&, Response& res) -> task<> { co_await res.status(404).sendFile(file); });
  router.get("/saved", [&](Request&, Response& res) -> task<> {
    app::SendFileOptions options;
    options.attachment = "r\xC3\xA9sum\xC3\xA9 \"1\".txt";
    options.contentType = "text/x-special";
    res.setHeader("Cache-Control", "private");
    co_await res.sendFile(file, options);
  });
  CHECK(get(router, "/a").body == "hello");
  CHECK(get(router, "/a", {{"Range", "bytes=1-2"}}).body == "el");
  CHECK(get(router, "/none").statusCode == 404);
  CHECK(get(router, "/folder").statusCode == 404);
  const auto missing = get(router, "/missing", {{"Range", "bytes=1-2"}, {"If-None-Match", "*"}});
  CHECK(missing.statusCode == 404);
  CHECK(missing.body == "hello");
  const auto saved = get(router, "/saved");
  CHECK(
      saved.headers["content-disposition"] ==
      "attachment; filename=\"r__sum__ _1_.txt\"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%221%22.txt");
  CHECK(saved.headers["content-type"] == "text/x-special");
  CHECK(saved.headers["cache-control"] == "private");
}
