// SPDX-License-Identifier: BSL-1.0
//
// pipe(): between sockets, and between anything that reads and writes.
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <sluice/net.hpp>
#include <sluice/pipe.hpp>
#include <string>
#include <string_view>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

namespace {

namespace asio = boost::asio;
namespace http = sluice::http;
namespace net = sluice::net;
using sluice::task;
using Words = std::vector<std::string>;

struct Source {
  task<std::optional<std::string>> read() {
    if (next == pieces.size()) co_return std::nullopt;
    if (pieces[next] == "fail") throw http::Error(make_error_code(http::errc::ERR_INVALID_STATE));
    log.push_back("read " + pieces[next]);
    co_return pieces[next++];
  }

  Words pieces;
  Words& log;
  std::size_t next = 0;
};

struct Target {
  task<> write(std::string_view piece) {
    const std::string kept(piece);
    co_await asio::post(asio::use_awaitable);
    log.push_back("wrote " + kept);
  }
  task<> end() {
    log.push_back("end");
    co_return;
  }

  Words& log;
};

struct OnlyReads {
  task<std::optional<std::string>> read();
};
struct ReadsNumbers {
  task<std::optional<int>> read();
};

static_assert(sluice::Readable<net::Socket> && sluice::Writable<net::Socket>);
static_assert(sluice::Readable<Source> && sluice::Writable<Target>);
static_assert(!sluice::Writable<OnlyReads> && !sluice::Readable<Target>);
static_assert(!sluice::Readable<ReadsNumbers>);

}  // namespace

TEST_CASE("pipe() reads a piece only when the last one was taken, and ends the target",
          "[pipe]"
          "[row:14/stream.pipeline]") {
  loopback::run([](asio::io_context&) -> task<> {
    Words log;
    Source source{{"a", "b"}, log};
    Target target{log};
    co_await sluice::pipe(source, target);
    CHECK(log == Words{"read a", "wrote a", "read b", "wrote b", "end"});
  });
}

TEST_CASE("pipe() leaves the target open if it is told to", "[pipe]") {
  loopback::run([](asio::io_context&) -> task<> {
    Words log;
    Source first{{"a"}, log};
    Source second{{"b"}, log};
    Target target{log};
    const sluice::PipeOptions stayOpen{.end = false};
    co_await sluice::pipe(first, target, stayOpen);
    co_await sluice::pipe(second, target);
    CHECK(log == Words{"read a", "wrote a", "read b", "wrote b", "end"});
  });
}

TEST_CASE("pipe() throws what the source throws and leaves the target as it is", "[pipe]") {
  loopback::run([](asio::io_context&) -> task<> {
    Words log;
    Source source{{"a", "fail"}, log};
    Target target{log};
    std::string error;
    try {
      co_await sluice::pipe(source, target);
    } catch (const http::Error& thrown) {
      error = thrown.name();
    }
    CHECK(error == "ERR_INVALID_STATE");
    CHECK(log == Words{"read a", "wrote a"});
  });
}

TEST_CASE("pipe() between sockets never holds more than the high-water mark and a piece",
          "[pipe]") {
  loopback::run([](asio::io_context& loop) -> task<> {
    auto in = loopback::pair(loop);
    auto out = loopback::pair(loop);
    const std::string sent(16 * 1024 * 1024, 'p');
    bool piped = false;
    const auto run = [&]() -> task<> {
      co_await sluice::pipe(in.second, out.first);
      piped = true;
    };
    asio::co_spawn(loop, run(), [](std::exception_ptr thrown) { CHECK(!thrown); });
    in.first.end(sent);

    // Nobody reads at the far end: the pipe stops, and the producer's bytes stay with the producer.
    std::size_t before = 1;
    while (before != in.first.writableLength()) {
      before = in.first.writableLength();
      for (int i = 0; i < 200; ++i) co_await asio::post(loop, asio::use_awaitable);
    }
    CHECK(in.first.writableLength() > 0);
    CHECK(out.first.writableLength() <= out.first.writableHighWaterMark() + 16 * 1024);

    std::size_t received = 0;
    while (auto piece = co_await out.second.read()) received += piece->size();
    CHECK(received == sent.size());
    while (!piped) co_await asio::post(loop, asio::use_awaitable);
  });
}
