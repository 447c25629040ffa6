// SPDX-License-Identifier: BSL-1.0
//
// How a file is read while it is sent: from memory or by a thread, in turns, and never much of it.
#include <boost/asio/execution_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <sluice/web/app/detail/file_pool.hpp>
#include <sluice/web/app/detail/file_sending.hpp>
#include <string>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/serve.hpp>
#include "files.hpp"

using namespace files;
using namespace sluice;
using namespace std::chrono_literals;
using app::Request;
using app::Response;
using app::Router;
using sluice::test::inject;
using sluice::test::InjectResponse;

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
