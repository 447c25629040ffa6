// SPDX-License-Identifier: BSL-1.0
//
// Files over HTTP: what is sent of them, under which conditions, and that nothing outside of the
// folder ever is.
#include <unistd.h>
#include <boost/asio/execution_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <sluice/web/app/detail/file_pool.hpp>
#include <sluice/web/app/detail/file_sending.hpp>
#include <sluice/web/app/detail/windows_name.hpp>
#include <string>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/serve.hpp>
#include <vector>

using namespace sluice;
using namespace std::chrono_literals;
using app::Request;
using app::Response;
using app::Router;
using sluice::test::inject;
using sluice::test::InjectResponse;
namespace fs = std::filesystem;

namespace {

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    static int count = 0;
    path_ = fs::temp_directory_path() /
            ("sluice-files-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    fs::create_directories(path_ / "public");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  fs::path root() const { return path_ / "public"; }
  const fs::path& outside() const { return path_; }

  fs::path write(const fs::path& name, std::string_view content) const {
    const fs::path path = root() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  fs::path path_;
};

Router serving(const Folder& folder, app::StaticOptions options = {}) {
  Router router;
  router.use("/f", app::staticFiles(folder.root(), options));
  return router;
}

InjectResponse get(const Router& router, std::string url, http::Headers headers = {},
                   std::string method = "GET") {
  return inject(
      router, {.method = std::move(method), .url = std::move(url), .headers = std::move(headers)});
}

std::string numbers(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ",";
  text.resize(size);
  return text;
}

}  // namespace

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
    CHECK(res.headers["etag"] == "\"v1\"");
    CHECK(res.headers["last-modified"] == date);
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

TEST_CASE("dotfiles are as if they were not there, unless an option says so",
          "[app][files][plain]") {
  const Folder folder;
  folder.write(".env", "secret");
  folder.write(".git/config", "secret");
  for (const char* url : {"/f/.env", "/f/%2eenv", "/f/.git/config", "/f/.git"}) {
    CAPTURE(url);
    CHECK(get(serving(folder), url).statusCode == 404);
    CHECK(get(serving(folder, {.dotfiles = app::Dotfiles::deny}), url).statusCode == 403);
  }
  CHECK(get(serving(folder, {.dotfiles = app::Dotfiles::allow}), "/f/.env").body == "secret");
}

// mingw-w64 makes no links, and Windows has no pipes in folders.
#if !defined(_WIN32)
TEST_CASE("symbolic links are followed inside of the folder only", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "inside");
  std::ofstream(folder.outside() / "secret.txt") << "secret";
  fs::create_directories(folder.outside() / "public-2");
  std::ofstream(folder.outside() / "public-2/x.txt") << "secret";
  fs::create_symlink(folder.root() / "a.txt", folder.root() / "link.html");
  fs::create_symlink(folder.outside() / "secret.txt", folder.root() / "out.txt");
  fs::create_directory_symlink(folder.outside(), folder.root() / "up");
  fs::create_directory_symlink(folder.outside() / "public-2", folder.root() / "beside");
  fs::create_symlink(folder.root() / "loop", folder.root() / "loop");
  const Router router = serving(folder);
  CHECK(get(router, "/f/link.html").body == "inside");
  CHECK(get(router, "/f/link.html").headers["content-type"] == "text/html; charset=utf-8");
  for (const char* url :
       {"/f/out.txt", "/f/up/secret.txt", "/f/up/", "/f/beside/x.txt", "/f/loop"}) {
    CAPTURE(url);
    CHECK(get(router, url).statusCode == 404);
  }
}

TEST_CASE("what is no regular file is not sent", "[app][files][plain]") {
  const Folder folder;
  REQUIRE(::mkfifo((folder.root() / "pipe").c_str(), 0600) == 0);
  CHECK(get(serving(folder), "/f/pipe").statusCode == 404);
}
#endif

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

namespace {

using app::detail::Reach;

// Whether this system tells from memory what a file has that was just written.
bool inMemory(const fs::path& path) {
  const app::detail::File file(path, Reach::cache);
  char byte = 0;
  return file && file.read(0, {&byte, 1}, Reach::cache) == 1;
}

// Whether a thread was needed.
bool needsThread(const Router& router, const std::string& url, const std::string& body) {
  asio::io_context io;
  http::Server server = http::createServer(io, router);
  const InjectResponse res = inject(io, server, {.url = url});
  CHECK(res.body == body);
  return asio::has_service<app::detail::FilePool>(io);
}

}  // namespace

TEST_CASE("what the system has in memory is sent without a thread", "[app][files][plain]") {
  const Folder folder;
  const fs::path small = folder.write("a.txt", "hello");
  folder.write("sub/index.html", "index");
  folder.write("large.bin", numbers(500'000));
  const Router router = serving(folder, {.precompressed = false});
  if (inMemory(small)) {
    CHECK(!needsThread(router, "/f/a.txt", "hello"));
    CHECK(!needsThread(router, "/f/sub/", "index"));
    CHECK(!needsThread(router, "/f/large.bin", numbers(500'000)));
  } else {
    CHECK(needsThread(router, "/f/a.txt", "hello"));
    WARN("SKIPPED: this system tells nothing of files without waiting for the disk");
  }
}

TEST_CASE("memory tells of a file what the disk tells, or nothing", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "hello");
  folder.write("a.txt.gz", "shorter");
  folder.write("empty", "");
  folder.write("large.bin", numbers(500'000));
  folder.write("sub/index.html", "index");
  folder.write("sub/.env", "secret");
  folder.write("bare/x", "x");
  std::ofstream(folder.outside() / "secret.txt") << "secret";
#if !defined(_WIN32)
  REQUIRE(::mkfifo((folder.root() / "pipe").c_str(), 0600) == 0);
  fs::create_symlink(folder.root() / "a.txt", folder.root() / "link");
  fs::create_symlink(folder.root() / "loop", folder.root() / "loop");
  fs::create_symlink(folder.outside() / "secret.txt", folder.root() / "out.txt");
  fs::create_directory_symlink(folder.root() / "sub", folder.root() / "sub-link");
  fs::create_directory_symlink(folder.outside(), folder.root() / "up");
#endif
  std::size_t told = 0;
  for (const char* name : {"a.txt",
                           "a.txt/",
                           "a.txt/x",
                           "empty",
                           "large.bin",
                           "sub",
                           "sub/",
                           "sub/index.html",
                           "bare/",
                           "nothing",
                           "nothing/x",
                           "sub/.env",
                           "pipe",
                           "link",
                           "loop",
                           "out.txt",
                           "sub-link/",
                           "sub-link/index.html",
                           "up/secret.txt",
                           "up/",
                           "../secret.txt",
                           "sub/../../secret.txt",
                           "sub/../a.txt",
                           "sub/.",
                           "sub/..",
                           "",
                           "."}) {
    for (const char* index : {"", "index.html", "../a.txt", "../../secret.txt"}) {
      for (const bool anywhere : {false, true}) {
        CAPTURE(name, index, anywhere);
        app::detail::FileQuery query;
        query.path = folder.root() / name;
        if (!anywhere) query.root = fs::canonical(folder.root());
        query.index = index;
        query.precompressed = true;
        query.acceptEncoding = "gzip";
        const auto disk = app::detail::findFile(query, Reach::disk);
        const auto cache = app::detail::findFile(query, Reach::cache);
        REQUIRE(disk);
        if (!cache) continue;
        ++told;
        CHECK(cache->kind == disk->kind);
        CHECK(cache->info == disk->info);
        CHECK(cache->coding == disk->coding);
        CHECK(cache->hasSiblings == disk->hasSiblings);
        CHECK(cache->extension == disk->extension);
        CHECK(cache->content == disk->content);
      }
    }
  }
  CHECK((told > 0) == inMemory(folder.root() / "a.txt"));
}

TEST_CASE("a file that changes while it is sent ends the connection", "[app][files][plain]") {
  const Folder folder;
  const fs::path file = folder.write("a.bin", numbers(2'000'000));
  for (const bool shrinks : {true, false}) {
    folder.write("a.bin", numbers(2'000'000));
    asio::io_context io;
    const sluice::test::Clock clock(io);
    http::Server server = http::createServer(io, serving(folder));
    sluice::test::Wire wire(io);
    wire.room(100'000);
    server.serve(wire.socket());
    wire.deliver("GET /f/a.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    while (wire.received().size() < 100'000) REQUIRE(io.run_one() != 0);
    if (shrinks) {
      fs::resize_file(file, 1000);
    } else {
      std::fstream(file, std::ios::in | std::ios::out | std::ios::binary) << "other";
    }
    wire.room(10'000'000);
    while (!wire.closed()) {
      io.restart();
      REQUIRE(io.run_one() != 0);
    }
    CHECK(wire.received().size() < 2'000'000);
  }
}

TEST_CASE("others have their turn while a client takes a large file at once",
          "[app][files][plain]") {
  const Folder folder;
  folder.write("large.bin", std::string(16'000'000, 'x'));
  Router router = serving(folder);
  router.get("/", [](Request&, Response& res) -> task<> { co_await res.end("hello"); });
  sluice::test::Serving wire(router, {});
  sluice::test::Client& greedy = wire.connect();
  sluice::test::Client& other = wire.connect();
  greedy.wire().deliver(sluice::test::get("/f/large.bin"));
  // Its download is under way, and then somebody else comes.
  while (greedy.wire().received().empty()) wire.io().run_one();
  other.wire().deliver(sluice::test::get("/"));
  const std::size_t before = greedy.wire().received().size();
  while (other.wire().received().empty()) wire.io().run_one();
  CHECK(greedy.wire().received().size() - before < 3'000'000);
  while (greedy.wire().received().size() < 16'000'000) wire.io().run_one();
}

TEST_CASE("the memory for a file does not depend on its size", "[app][files][plain]") {
  const Folder folder;
  const fs::path file = folder.write("huge.bin", "begin");
  constexpr std::uintmax_t size = std::uintmax_t{10} << 30;
  fs::resize_file(file, size);  // sparse
  asio::io_context io;
  const sluice::test::Clock clock(io);
  http::Server server = http::createServer(io, serving(folder));
  sluice::test::Wire wire(io);
  server.serve(wire.socket());
  wire.room(1000);
  wire.deliver("GET /f/huge.bin HTTP/1.1\r\nHost: a\r\n\r\n");
  // The client takes a little, and then nothing: no more is read than one piece.
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (wire.received().size() < 1000) REQUIRE(io.run_one_until(deadline) != 0);
  io.restart();
  io.poll();
  CHECK(wire.received().find("Content-Length: 10737418240\r\n") != std::string::npos);
  CHECK(wire.received().size() == 1000);
  const auto tail = get(serving(folder), "/f/huge.bin", {{"Range", "bytes=10737418230-"}});
  CHECK(tail.body == std::string(10, '\0'));
}

namespace {

// Every way to write a way out: each form of a step up, of a separator, and of a target.
std::vector<std::string> waysOut() {
  const std::vector<std::string> dots{"..",
                                      "%2e%2e",
                                      "%2E.",
                                      ".%2e",
                                      "%252e%252e",
                                      "%c0%ae%c0%ae",
                                      "%e0%80%ae%e0%80%ae",
                                      "..%00",
                                      "%2e%2e%00",
                                      "\\..",
                                      "..\\",
                                      "..%5c",
                                      "..;",
                                      "....",
                                      ". .",
                                      "%u002e%u002e",
                                      "%uff0e%uff0e",
                                      "%EF%BC%8E%EF%BC%8E"};
  const std::vector<std::string> separators{"/",     "%2f",   "%2F",       "%5c",
                                            "\\",    "//",    "/./",       "%c0%af",
                                            "%252f", "/%2e/", "%e2%88%95", "%ef%bc%8f"};
  std::vector<std::string> paths;
  for (const std::string& dot : dots) {
    for (const std::string& separator : separators) {
      paths.push_back(dot + separator + "secret.txt");
      paths.push_back("sub" + separator + dot + separator + dot + separator + "secret.txt");
    }
  }
  for (const std::string& separator : separators) {
    paths.push_back(separator + "etc" + separator + "passwd");
    paths.push_back("sub" + separator + "..%00.txt");
    paths.push_back("secret.txt%00" + separator);
  }
  return paths;
}

}  // namespace

TEST_CASE("the other names that Windows has for a file are known", "[app][files]") {
  for (const char* name :
       {"a.txt.",        "a.txt ",     "a.txt. .", "a.txt::$DATA", "c:",       "a:b",
        "SECRET~1.TXT",  "secre~12",   "ENV~1",    "~1",           "NUL",      "nul.txt",
        "Con",           "aux.tar.gz", "prn .txt", "COM1",         "lpt9.log", "com\xC2\xB9",
        "LPT\xC2\xB3.x", "CONIN$",     "conout$",  "a*",           "a?b",      "a|b",
        "a<b",           "a>b",        "a\"b",     "a\\b",         "a\tb"}) {
    CAPTURE(name);
    CHECK(app::detail::isOtherNameOnWindows(name));
  }
  for (const char* name : {"", "a.txt", ".env", "null", "console", "com", "com10", "coma", "lpt",
                           "auxiliary.js", "a~b.txt", "~", "backup~", "~1a", "index.html~1",
                           "a-long-name~1.txt", "b\xC3\xA9.json", "a b.txt", "x.nul"}) {
    CAPTURE(name);
    CHECK(!app::detail::isOtherNameOnWindows(name));
  }
}

#if defined(_WIN32)
TEST_CASE("a file is not sent by another name of Windows", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "inside");
  folder.write("a long name.text", "inside");
  folder.write(".env", "secret");
  const Router router = serving(folder);
  CHECK(get(router, "/f/a.txt").body == "inside");
  CHECK(get(router, "/f/a%20long%20name.text").body == "inside");
  for (const char* url : {"/f/a.txt.", "/f/a.txt%20", "/f/a.txt::$DATA", "/f/a.txt%3A%3A$DATA",
                          "/f/.::$INDEX_ALLOCATION/a.txt", "/f/ALONGN~1.TEX", "/f/ENV~1", "/f/NUL",
                          "/f/CON.txt", "/f/c:/windows/win.ini", "/f/C%3A%5Cwindows%5Cwin.ini",
                          "/f/%5C%5C.%5Cpipe%5Cx", "/f//%3F/c:/windows/win.ini"}) {
    CAPTURE(url);
    const int status = get(router, url).statusCode;
    CHECK((status == 404 || status == 400));
  }
}
#endif

TEST_CASE("no path leads out of the folder, however it is written", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "inside");
  folder.write("sub/b.txt", "inside");
  std::ofstream(folder.outside() / "secret.txt") << "the secret";
  const std::string absolute = folder.outside().string() + "/secret.txt";
  Router mounted = serving(folder, {.dotfiles = app::Dotfiles::allow});
  Router bare;
  bare.use(app::staticFiles(folder.root(), {.dotfiles = app::Dotfiles::allow}));
  std::vector<std::string> paths = waysOut();
  CHECK(paths.size() >= 300);
  paths.push_back(absolute);
  paths.push_back("%2f" + absolute.substr(1));
  paths.push_back("file://" + absolute);
  for (const std::string& path : paths) {
    CAPTURE(path);
    for (const auto* router : {&mounted, &bare}) {
      for (const std::string prefix : {"/f/", "/", "/f", "/f//", "/f/x/../"}) {
        std::string answer;
        try {
          answer = get(*router, prefix + path).raw;
        } catch (const http::Error&) {
          continue;  // No client could send it.
        } catch (const std::logic_error& error) {
          answer = error.what();  // Was not an answer to this request.
        }
        const bool leaks = answer.find("the secret") != std::string::npos ||
                           answer.find("root:") != std::string::npos;
        CHECK_FALSE(leaks);
      }
    }
  }
}
