// SPDX-License-Identifier: BSL-1.0
//
// What a body filter sees of a message, what it may change, and when it is released.
#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <support/answers.hpp>
#include <support/catch.hpp>
#include <support/request.hpp>
#include <support/serve.hpp>
#include <vector>

using namespace sluice::http;
using sluice::task;
using sluice::test::answer;
using sluice::test::get;
using sluice::test::Requesting;
using sluice::test::serve;

namespace {

struct Seen {
  std::string calls;
  bool released = false;
};

// Writes in capitals, holds the last letter back, and ends with a full stop.
class Capitals final : public BodyFilter {
 public:
  explicit Capitals(Seen& seen, bool wanted = true) : seen_(seen), wanted_(wanted) {}

  bool begin(OutgoingMessage& message, std::optional<std::uint64_t> length) override {
    seen_.calls += "begin(" + (length ? std::to_string(*length) : std::string("?")) + ") ";
    if (!wanted_) return false;
    message.removeHeader("Content-Length");
    message.setHeader("X-Type", message.getHeader("Content-Type").str());
    return true;
  }
  std::string_view write(std::string_view piece) override {
    seen_.calls += "write(" + std::string(piece) + ") ";
    out_ = held_;
    for (const char letter : piece) out_ += static_cast<char>(std::toupper(letter));
    held_ = out_.substr(out_.size() - 1);
    out_.pop_back();
    return out_;
  }
  std::string_view flush() override {
    seen_.calls += "flush ";
    out_ = std::exchange(held_, {});
    return out_;
  }
  std::string_view end() override {
    seen_.calls += "end ";
    out_ = std::exchange(held_, {}) + '.';
    return out_;
  }
  void release() noexcept override {
    seen_.released = true;
    delete this;
  }

 private:
  Seen& seen_;
  bool wanted_;
  std::string held_, out_;
};

// Does something to its message when it is called.
class Meddling final : public BodyFilter {
 public:
  using Act = std::function<void(OutgoingMessage&)>;
  Meddling(OutgoingMessage& message, std::string when, Act act)
      : message_(message), when_(std::move(when)), act_(std::move(act)) {}

  bool begin(OutgoingMessage&, std::optional<std::uint64_t>) override {
    out_ = step("begin");
    return true;
  }
  std::string_view write(std::string_view piece) override {
    return out_ = step("write") + std::string(piece);
  }
  std::string_view end() override { return out_ = step("end"); }

 private:
  std::string step(std::string_view now) {
    if (when_ == now) act_(message_);
    return std::string();
  }

  OutgoingMessage& message_;
  std::string when_;
  Act act_;
  std::string out_;
};

void filter(OutgoingMessage& message, Seen& seen, bool wanted = true) {
  message.setBodyFilter(BodyFilterPointer(new Capitals(seen, wanted)));
}

std::string body(std::string_view bytes) {
  return std::string(bytes.substr(bytes.find("\r\n\r\n") + 4));
}

}  // namespace

TEST_CASE("a body filter changes what end() is given, whose length is then not said",
          "[BodyFilter]") {
  Seen seen;
  const std::string bytes = answer(get(), [&](ServerResponse& res) {
    filter(res, seen);
    res.end("abc");
  });
  CHECK(
      bytes ==
      "HTTP/1.1 200 OK\r\nX-Type: \r\nDate: <D>\r\nConnection: keep-alive\r\n"
      "Keep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nAB\r\n2\r\nC.\r\n0\r\n\r\n");
  CHECK(seen.calls == "begin(3) write(abc) end ");
  CHECK(seen.released);
}

TEST_CASE("a body filter takes every kind of piece, and flush() sends what it holds",
          "[BodyFilter]") {
  Seen seen;
  auto wire = serve(
      [&](IncomingMessage&, ServerResponse& res) -> task<> {
        filter(res, seen);
        res.flushHeaders();
        co_await res.write("ab");
        co_await res.write(std::string("cd"));
        co_await res.write("");
        res.flush();
        CHECK(seen.calls == "begin(?) write(ab) write(cd) flush ");
        co_await res.write("6566", sluice::Encoding::hex);
        co_await res.end();
      },
      {});
  CHECK(body(wire.send(get())) == "1\r\nA\r\n2\r\nBC\r\n1\r\nD\r\n1\r\nE\r\n2\r\nF.\r\n0\r\n\r\n");
}

TEST_CASE("a body filter that is not wanted leaves the message as it is", "[BodyFilter]") {
  Seen seen;
  const std::string bytes = answer(get(), [&](ServerResponse& res) {
    filter(res, seen, false);
    res.end("abc");
    CHECK(seen.released);
  });
  CHECK(bytes.ends_with("Content-Length: 3\r\n\r\nabc"));
  CHECK(seen.calls == "begin(3) ");
}

TEST_CASE("a body filter sees the headers and the status of writeHead()", "[BodyFilter]") {
  Seen seen;
  const std::string bytes = answer(get(), [&](ServerResponse& res) {
    filter(res, seen);
    res.writeHead(201, "Made", {{"Content-Type", "a/b"}, {"Content-Length", 1}});
    res.end("x");
  });
  CHECK(bytes.starts_with("HTTP/1.1 201 Made\r\nContent-Type: a/b\r\nX-Type: a/b\r\nDate"));
  CHECK(body(bytes) == "2\r\nX.\r\n0\r\n\r\n");
}

TEST_CASE("a body filter is asked for the headers of HEAD, and for nothing else", "[BodyFilter]") {
  Seen seen;
  const std::string bytes = answer("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", [&](ServerResponse& res) {
    filter(res, seen);
    res.write("abc");
    res.flush();
    res.end("d");
  });
  CHECK(bytes.find("X-Type") != std::string::npos);
  CHECK(body(bytes).empty());
  CHECK(seen.calls == "begin(?) ");
  CHECK(seen.released);
}

TEST_CASE("a body filter of a handler that throws goes with its headers", "[BodyFilter]") {
  Seen seen;
  auto wire = serve(
      [&](IncomingMessage&, ServerResponse& res) -> task<> {
        filter(res, seen);
        throw std::runtime_error("no");
        co_return;
      },
      {});
  CHECK(body(wire.send(get())) == "Internal Server Error");
  CHECK(seen.calls.empty());
  CHECK(seen.released);
}

TEST_CASE("a body filter is released when its client has gone", "[BodyFilter]") {
  Seen seen;
  {
    auto wire = serve(
        [&](IncomingMessage& req, ServerResponse& res) -> task<> {
          filter(res, seen);
          co_await res.write("abc");
          co_await req.once<"close">();
        },
        {});
    wire.send(get());
    CHECK(!seen.released);
    wire.wire().reset();
    wire.received();
    CHECK(seen.released);
  }
}

TEST_CASE("a body filter begins once, also if its head cannot be composed", "[BodyFilter]") {
  Seen seen;
  const std::string bytes = answer(get(), [&](ServerResponse& res) {
    filter(res, seen);
    CHECK_THROWS_AS(res.writeHead(1000), Error);
    res.writeHead(200);
    CHECK_THROWS_AS(filter(res, seen), Error);
    res.end("x");
  });
  CHECK(body(bytes) == "2\r\nX.\r\n0\r\n\r\n");
  CHECK(seen.calls == "begin(?) write(x) end ");
}

TEST_CASE("a body filter may end its message, destroy it, or give it another filter",
          "[BodyFilter]") {
  const std::string when = GENERATE(as<std::string>(), "begin", "write", "end");
  CAPTURE(when);
  std::string thrown = "nothing";
  const auto answerWith = [&](Meddling::Act act) {
    return answer(get(), [&](ServerResponse& res) {
      res.setBodyFilter(BodyFilterPointer(new Meddling(res, when, act)));
      try {
        res.end("abc");
      } catch (const Error& error) {
        thrown = error.name();
      }
    });
  };
  SECTION("ended") {
    const std::string bytes = answerWith([](OutgoingMessage& message) { message.end("own"); });
    CHECK(thrown == "ERR_STREAM_WRITE_AFTER_END");
    CHECK(body(bytes).find("own") != std::string::npos);
    CHECK(bytes.find("HTTP/1.1", 1) == std::string::npos);
  }
  SECTION("destroyed") {
    answerWith([](OutgoingMessage& message) { message.destroy(); });
    CHECK(thrown == "ERR_STREAM_DESTROYED");
  }
  SECTION("another filter") {
    Seen seen;
    const std::string bytes = answerWith([&](OutgoingMessage& message) {
      if (!message.headersSent()) filter(message, seen);
    });
    CHECK(thrown == "nothing");
    if (when == "begin") CHECK(seen.calls == "begin(3) write(abc) end ");
    CHECK(body(bytes).find(when == "begin" ? "AB" : "abc") != std::string::npos);
  }
}

TEST_CASE("a request has body filters too, also if it waits for 100 Continue", "[BodyFilter]") {
  const bool expects = GENERATE(false, true);
  Seen seen;
  Requesting net;
  auto req = request(net.io(), net.options({.method = "POST"}));
  if (expects) req.setHeader("Expect", "100-continue");
  filter(req, seen);
  if (expects) {
    CHECK(net.received().find("X-Type") != std::string::npos);
  }
  req.end("abc");
  CHECK(net.received().ends_with("2\r\nAB\r\n2\r\nC.\r\n0\r\n\r\n"));
  CHECK(seen.released);
}
