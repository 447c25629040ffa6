// SPDX-License-Identifier: BSL-1.0
//
// When bytes leave, what write() answers, and who is told what became of them.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <sluice/net/detail/output_stream.hpp>
#include <sluice/test/wire.hpp>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <support/run.hpp>
#include <utility>
#include <vector>

using namespace sluice;
using net::detail::Loop;
using net::detail::OutputStream;
using Until = OutputStream::Until;
using namespace std::string_view_literals;

namespace {

const error_code broken = asio::error::broken_pipe;

/// Carries a stream's bytes to a wire, and notes what it is told.
class Carrier final : public net::detail::TransportOwner, public OutputStream::Sink {
 public:
  Carrier(asio::io_context& io, std::size_t highWaterMark)
      : wire(io), stream(new OutputStream(Loop::of(io.get_executor()), highWaterMark)) {
    wire.transport()->attach(this);
  }
  ~Carrier() override {
    wire.transport()->attach(nullptr);
    wire.transport()->close();
    stream->attach(nullptr);
  }

  void connect() {
    connected = true;
    stream->attach(this);
    stream->flush();
  }
  /// What the end of the loop's turn does.
  void turn() {
    if (std::exchange(flushDue, false)) stream->flush();
  }

  net::detail::Transport* transport() override {
    return connected ? wire.transport().get() : nullptr;
  }
  void flushLater() override { flushDue = true; }
  void onWriteFailed(const error_code& ec) override { failures.push_back(ec); }
  void onDrained() override {
    CHECK(stream->size() == 0);
    CHECK_FALSE(stream->needDrain());
    ++drains;
  }
  void onSent() override { ++progress; }
  void onRead(const error_code&, std::size_t) override {}
  void onWritable(const error_code& ec) override { stream->onWritable(ec); }

  test::Wire wire;
  boost::intrusive_ptr<OutputStream> stream;
  bool connected = false;
  bool flushDue = false;
  std::vector<error_code> failures;
  int drains = 0;
  int progress = 0;
};

struct Fixture {
  explicit Fixture(std::size_t highWaterMark = 16 * 1024, bool connected = true)
      : carrier(new Carrier(io, highWaterMark)) {
    if (connected) carrier->connect();
  }
  ~Fixture() { carrier->wire.transport()->close(); }

  asio::io_context io;
  boost::intrusive_ptr<Carrier> carrier;
  OutputStream& stream = *carrier->stream;
  test::Wire& wire = carrier->wire;
};

/// One wait; empty as long as it lasts.
struct Waiting {
  /// For all that was written so far.
  Waiting(OutputStream& stream, Until until) : Waiting(stream, until, stream.queue().queued()) {}
  Waiting(OutputStream& stream, Until until, std::uint64_t position) {
    stream.wait(until, position, OutputStream::Handler([result = result](error_code ec, bool ok) {
                  CHECK(ok == !ec);
                  *result = ec;
                }));
  }
  const std::optional<error_code>& operator*() const { return *result; }

  std::shared_ptr<std::optional<error_code>> result = std::make_shared<std::optional<error_code>>();
};

const std::string large(10000, 'L');

}  // namespace

TEST_CASE("small pieces are gathered and leave together at the end of the turn", "[OutputStream]") {
  Fixture f;
  CHECK(f.stream.write("head "sv));
  CHECK(f.stream.write(std::string("body")));
  f.stream.queue().gathered().append(" tail");
  CHECK(f.stream.queued());
  CHECK(f.wire.received() == "");
  CHECK(f.carrier->flushDue);
  f.carrier->turn();
  CHECK(f.wire.received() == "head body tail");
  CHECK(f.wire.calls().tryWrite == 1);
  CHECK(f.carrier->drains == 0);
  f.stream.flush();
  CHECK(f.wire.calls().tryWrite == 1);
}

TEST_CASE("a large piece leaves at once, in one call with what was gathered", "[OutputStream]") {
  const bool moved = GENERATE(false, true);
  const bool tail = GENERATE(false, true);
  const std::string_view end = tail ? "\r\n" : "";
  Fixture f;
  f.stream.write("head "sv);
  CHECK((moved ? f.stream.write(std::string(large), end) : f.stream.write(large, end)));
  CHECK(f.wire.received() == "head " + large + std::string(end));
  CHECK(f.wire.calls().tryWrite == 1);
  CHECK(f.stream.size() == 0);
  CHECK(f.stream.queue().sent() == f.wire.received().size());
  CHECK(f.carrier->drains == 0);
}

TEST_CASE("behind many pieces a large one waits for its place", "[OutputStream]") {
  Fixture f(1 << 20);
  f.stream.cork();
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    f.stream.write("s"sv);
    f.stream.write(large);
    expected += "s" + large;
  }
  f.stream.uncork();
  CHECK(f.wire.received() == "");
  CHECK(f.stream.write(large));
  f.carrier->turn();
  CHECK(f.wire.received() == expected + large);
  CHECK(f.wire.calls().tryWrite == 3);
}

TEST_CASE(
    "write() is false when the gathered bytes do not fit below the mark and nothing takes them",
    "[OutputStream]") {
  Fixture f(10);
  CHECK(f.stream.write("123456789"sv));
  SECTION("a kernel with room takes them, and nothing is held back") {
    CHECK(f.stream.write("0"sv));
    CHECK(f.wire.received() == "1234567890");
    CHECK(f.carrier->drains == 0);
  }
  SECTION("a full kernel does not") {
    f.wire.room(3);
    CHECK_FALSE(f.stream.write("0"sv));
    CHECK(f.wire.received() == "123");
    CHECK(f.stream.blocked());
    CHECK(f.stream.needDrain());
    f.wire.room(6);
    test::settle(f.io);
    CHECK(f.carrier->drains == 0);
    CHECK_FALSE(f.stream.write(""sv));
    f.wire.room(1);
    test::settle(f.io);
    CHECK(f.wire.received() == "1234567890");
    CHECK(f.carrier->drains == 1);
    CHECK(f.stream.write("x"sv));
  }
}

TEST_CASE("while the kernel is full every write() is false, small ones too", "[OutputStream]") {
  Fixture f;
  f.wire.room(2);
  CHECK(f.stream.write("abc"sv));
  f.carrier->turn();
  CHECK(f.stream.blocked());
  CHECK_FALSE(f.stream.needDrain());
  const auto calls = f.wire.calls().tryWrite;
  CHECK_FALSE(f.stream.write("d"sv));
  CHECK_FALSE(f.stream.write(large));
  CHECK_FALSE(f.stream.write(std::string(large)));
  CHECK(f.wire.calls().tryWrite == calls);
  f.wire.room(test::unlimited);
  test::settle(f.io);
  CHECK(f.wire.received() == "abcd" + large + large);
  CHECK(f.carrier->drains == 1);
}

TEST_CASE("a full kernel that nobody noticed by a write() brings no drain", "[OutputStream]") {
  Fixture f;
  f.wire.room(0);
  CHECK(f.stream.write("abc"sv));
  f.carrier->turn();
  f.wire.room(3);
  test::settle(f.io);
  CHECK(f.wire.received() == "abc");
  CHECK(f.carrier->drains == 0);
}

TEST_CASE("every length of short write brings every byte, and drain once", "[OutputStream]") {
  const std::string part(8192, 'P');
  const std::string expected = "one" + part + "\r\ntwo" + part + "three";
  for (std::size_t room = 0; room < expected.size(); room = room < 20 ? room + 1 : room * 2 - 1) {
    for (const std::size_t step :
         {std::size_t{1}, std::size_t{2}, std::size_t{4000}, test::unlimited}) {
      // Byte by byte takes long, so twice is enough.
      if (step < 3 && room % 19 != 0) continue;
      INFO("room for " << room << ", then pieces of " << step);
      Fixture f;
      f.wire.room(room);
      bool ok = f.stream.write("one"sv);
      ok = f.stream.write(part, "\r\n") && ok;
      ok = f.stream.write("two"sv) && ok;
      ok = f.stream.write(std::string(part)) && ok;
      ok = f.stream.write("three"sv) && ok;
      f.carrier->turn();
      REQUIRE(f.wire.received() == expected.substr(0, room));
      REQUIRE(f.stream.size() == expected.size() - room);
      REQUIRE(f.stream.queue().sent() == room);
      f.wire.acceptAtMost(step).room(test::unlimited);
      test::settle(f.io);
      REQUIRE(f.wire.received() == expected);
      REQUIRE(f.carrier->drains == (ok ? 0 : 1));
      REQUIRE(f.stream.size() == 0);
    }
  }
}

TEST_CASE("a write that fails at any call is reported once and ends everything", "[OutputStream]") {
  for (std::size_t n = 1;; ++n) {
    INFO("operation " << n);
    Fixture f(100);
    f.wire.failAt(n, broken).acceptAtMost(3000);
    std::vector<Waiting> waits;
    f.stream.write("small"sv);
    f.carrier->turn();
    f.stream.write(large);
    f.stream.write(std::string(large));
    f.stream.write("more"sv);
    const std::uint64_t end = f.stream.queue().queued();
    if (!f.stream.settled(Until::sent, end)) {
      waits.emplace_back(f.stream, Until::sent, end);
      waits.emplace_back(f.stream, Until::room);
      waits.emplace_back(f.stream, Until::drained);
    }
    test::settle(f.io);
    f.carrier->turn();
    test::settle(f.io);
    const bool failed = n <= f.wire.calls().operations();
    REQUIRE(f.carrier->failures == (failed ? std::vector{broken} : std::vector<error_code>{}));
    REQUIRE(f.stream.failure() == (failed ? broken : error_code()));
    for (const auto& wait : waits) {
      REQUIRE(*wait);
      CHECK(**wait == f.stream.failure());
    }
    CHECK(f.stream.size() == 0);
    if (!failed) {
      CHECK(f.wire.received() == "small" + large + large + "more");
      break;
    }
    const auto calls = f.wire.calls().tryWrite;
    CHECK_FALSE(f.stream.write("late"sv));
    CHECK_FALSE(f.stream.write(large));
    CHECK_FALSE(f.stream.write(std::string(large)));
    CHECK_FALSE(f.stream.queued());
    f.stream.flush();
    CHECK(f.wire.calls().tryWrite == calls);
    CHECK(f.stream.settled(Until::room, f.stream.queue().queued()) == broken);
    CHECK(f.stream.settled(Until::drained, f.stream.queue().queued()) == broken);
  }
}

TEST_CASE("what has left before a failure has left", "[OutputStream]") {
  Fixture f;
  f.stream.write("abc"sv);
  f.carrier->turn();
  f.wire.room(1);
  f.stream.write("def"sv);
  f.carrier->turn();
  f.stream.fail(broken);
  for (const Until until : {Until::sent, Until::room, Until::drained}) {
    CHECK(f.stream.settled(until, 3) == error_code());
    CHECK(f.stream.settled(until, 4) == error_code());
    CHECK(f.stream.settled(until, 5) == broken);
  }
  CHECK(f.carrier->failures.empty());
  CHECK(f.stream.written() == 6);
  // What ends here has not been sent, though it has no bytes of its own.
  CHECK(f.stream.settled(Until::sent, f.stream.queue().queued()) == broken);
  f.stream.queue().gathered().append("late");
  CHECK_FALSE(f.stream.queued());
  CHECK(f.stream.size() == 0);
  f.stream.fail(asio::error::eof);
  CHECK(f.stream.failure() == broken);
}

TEST_CASE("corked bytes wait for the last uncork()", "[OutputStream]") {
  Fixture f(10);
  f.stream.cork();
  f.stream.cork();
  CHECK(f.stream.write("abc"sv));
  CHECK_FALSE(f.stream.write(large));
  CHECK(f.stream.settled(Until::room, 0) == error_code());
  f.stream.flush();
  f.carrier->turn();
  f.stream.uncork();
  CHECK(f.stream.corked() == 1);
  CHECK(f.wire.received() == "");
  f.stream.uncork();
  CHECK(f.wire.received() == "abc" + large);
  CHECK(f.carrier->drains == 1);
  f.stream.uncork();
  CHECK(f.stream.corked() == 0);
}

TEST_CASE("uncork() of few bytes leaves them to the end of the turn", "[OutputStream]") {
  Fixture f;
  f.stream.cork();
  f.stream.uncork();
  CHECK_FALSE(f.carrier->flushDue);
  f.stream.cork();
  f.stream.write("abc"sv);
  CHECK_FALSE(f.carrier->flushDue);
  f.stream.uncork();
  CHECK(f.wire.received() == "");
  f.carrier->turn();
  CHECK(f.wire.received() == "abc");
}

TEST_CASE("a wait for room ends when fewer bytes wait than the mark", "[OutputStream]") {
  Fixture f(10);
  f.wire.room(0);
  f.stream.write("0123456789abcdef"sv);
  CHECK_FALSE(f.stream.settled(Until::room, 0));
  const Waiting room(f.stream, Until::room), drained(f.stream, Until::drained),
      tenth(f.stream, Until::sent, 10), all(f.stream, Until::sent, 16);
  f.wire.room(6);
  test::settle(f.io);
  CHECK_FALSE(*room);
  f.wire.room(1);
  test::settle(f.io);
  CHECK(*room == error_code());
  CHECK_FALSE(*tenth);
  f.wire.room(8);
  test::settle(f.io);
  CHECK(*tenth == error_code());
  CHECK_FALSE(*all);
  CHECK_FALSE(*drained);
  f.wire.room(1);
  test::settle(f.io);
  CHECK(*all == error_code());
  CHECK(*drained == error_code());
  CHECK(f.stream.settled(Until::drained, 0) == error_code());
}

TEST_CASE("a waiter is not resumed inside the write that lets it go on", "[OutputStream]") {
  Fixture f(10);
  f.stream.cork();
  f.stream.write("0123456789"sv);
  const Waiting drained(f.stream, Until::drained);
  f.stream.uncork();
  CHECK(f.stream.size() == 0);
  CHECK_FALSE(*drained);
  test::settle(f.io);
  CHECK(*drained == error_code());
}

TEST_CASE("one of several waits can be cancelled, and its bytes stay", "[OutputStream]") {
  Fixture f(10);
  f.wire.room(0);
  f.stream.write("0123456789"sv);
  asio::cancellation_signal signal;
  std::optional<error_code> cancelled;
  f.stream.wait(Until::room, 0,
                OutputStream::Handler(
                    asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, bool ok) {
                      CHECK_FALSE(ok);
                      cancelled = ec;
                    })));
  const Waiting other(f.stream, Until::room);
  signal.emit(asio::cancellation_type::total);
  CHECK_FALSE(cancelled);
  test::settle(f.io);
  CHECK(cancelled == error_code(asio::error::operation_aborted));
  CHECK_FALSE(*other);
  signal.emit(asio::cancellation_type::total);
  f.wire.room(10);
  test::settle(f.io);
  CHECK(*other == error_code());
  CHECK(f.wire.received() == "0123456789");
}

TEST_CASE("cancelling a wait that has just ended changes nothing", "[OutputStream]") {
  Fixture f(10);
  f.wire.room(0);
  f.stream.write("0123456789"sv);
  asio::cancellation_signal signal;
  std::optional<error_code> result;
  f.stream.wait(Until::room, 0,
                OutputStream::Handler(asio::bind_cancellation_slot(
                    signal.slot(), [&](error_code ec, bool) { result = ec; })));
  f.wire.room(10);
  f.stream.onWritable({});
  signal.emit(asio::cancellation_type::total);
  test::settle(f.io);
  CHECK(result == error_code());
}

TEST_CASE("fail() ends every wait", "[OutputStream]") {
  Fixture f(10);
  f.wire.room(0);
  f.stream.write("0123456789"sv);
  const Waiting room(f.stream, Until::room), drained(f.stream, Until::drained),
      sent(f.stream, Until::sent, 10);
  f.stream.fail(broken);
  test::settle(f.io);
  CHECK(*room == broken);
  CHECK(*drained == broken);
  CHECK(*sent == broken);
  f.wire.room(10);
  test::settle(f.io);
  CHECK(f.wire.received() == "");
}

TEST_CASE("a wait for the kernel that a cancelled read took along is taken up again",
          "[OutputStream]") {
  Fixture f;
  f.wire.room(0);
  f.stream.write("abc"sv);
  f.carrier->turn();
  f.wire.transport()->cancelRead();
  test::settle(f.io);
  CHECK(f.wire.calls().waitWritable == 2);
  f.wire.room(3);
  test::settle(f.io);
  CHECK(f.wire.received() == "abc");
}

TEST_CASE("a transport that is closed while the stream waits is not asked again",
          "[OutputStream]") {
  Fixture f;
  f.wire.room(0);
  f.stream.write("abc"sv);
  f.carrier->turn();
  f.wire.transport()->close();
  test::settle(f.io);
  CHECK(f.wire.calls().waitWritable == 1);
  CHECK(f.carrier->failures.empty());
}

TEST_CASE("batched bytes count as sent until the kernel is full", "[OutputStream]") {
  Fixture f;
  f.stream.setBatching(true);
  f.stream.write("abc"sv);
  CHECK(f.stream.settled(Until::sent, 3) == error_code());
  f.wire.room(0);
  f.carrier->turn();
  CHECK_FALSE(f.stream.settled(Until::sent, 3));
  f.stream.setBatching(false);
  CHECK_FALSE(f.stream.settled(Until::sent, 3));
  f.wire.room(3);
  test::settle(f.io);
  CHECK(f.stream.settled(Until::sent, 3) == error_code());
}

TEST_CASE("before there is a connection bytes are kept up to the mark and beyond",
          "[OutputStream]") {
  Fixture f(10, false);
  CHECK(f.stream.write("012345678"sv));
  CHECK_FALSE(f.stream.write("9"sv));
  CHECK_FALSE(f.stream.write(large));
  f.stream.flush();
  const Waiting drained(f.stream, Until::drained);
  test::settle(f.io);
  CHECK_FALSE(*drained);
  f.carrier->connect();
  CHECK(f.wire.received() == "0123456789" + large);
  CHECK(f.carrier->drains == 1);
  test::settle(f.io);
  CHECK(*drained == error_code());
}

TEST_CASE("a stream goes on in another with its bytes, positions and waits", "[OutputStream]") {
  Fixture f(10);
  f.stream.write("before"sv);
  f.carrier->turn();
  f.wire.room(0);
  f.stream.write("-"sv);
  f.carrier->turn();

  const boost::intrusive_ptr<OutputStream> request(
      new OutputStream(Loop::of(f.io.get_executor()), 10));
  CHECK(request->write("head"sv));
  CHECK_FALSE(request->write(std::string(large)));
  const std::uint64_t position = 4 + large.size();
  const Waiting head(*request, Until::sent, 4), all(*request, Until::sent, position),
      drained(*request, Until::drained);
  asio::cancellation_signal signal;
  std::optional<error_code> cancelled;
  request->wait(Until::room, 0,
                OutputStream::Handler(asio::bind_cancellation_slot(
                    signal.slot(), [&](error_code ec, bool) { cancelled = ec; })));

  request->continueIn(f.carrier->stream);
  CHECK(&request->current() == &f.stream);
  CHECK(request->size() == 0);
  CHECK(request->currentPosition(0) == 7);
  CHECK(f.stream.needDrain());
  CHECK_FALSE(f.stream.settled(Until::sent, request->currentPosition(4)));

  signal.emit(asio::cancellation_type::total);
  f.wire.room(5);
  test::settle(f.io);
  CHECK(cancelled == error_code(asio::error::operation_aborted));
  CHECK(*head == error_code());
  CHECK_FALSE(*all);
  f.wire.room(test::unlimited);
  test::settle(f.io);
  CHECK(f.wire.received() == "before-head" + large);
  CHECK(*all == error_code());
  CHECK(*drained == error_code());
  CHECK(f.carrier->drains == 1);
  CHECK(f.stream.settled(Until::sent, request->currentPosition(position)) == error_code());
}

TEST_CASE("a stream that failed takes the one it goes on in with it", "[OutputStream]") {
  Fixture f;
  const boost::intrusive_ptr<OutputStream> request(
      new OutputStream(Loop::of(f.io.get_executor()), 10));
  request->fail(broken);
  request->continueIn(f.carrier->stream);
  CHECK(f.stream.failure() == broken);
}

TEST_CASE("a stream that goes on in a failed one fails with it", "[OutputStream]") {
  Fixture f;
  f.stream.fail(broken);
  const boost::intrusive_ptr<OutputStream> request(
      new OutputStream(Loop::of(f.io.get_executor()), 4));
  request->write("head"sv);
  const Waiting sent(*request, Until::sent, 4);
  request->continueIn(f.carrier->stream);
  test::settle(f.io);
  CHECK(*sent == broken);
  CHECK(request->current().settled(Until::sent, request->currentPosition(4)) == broken);
  CHECK(f.stream.size() == 0);
}

TEST_CASE("a stream's waits end with the context", "[OutputStream]") {
  auto destroyed = std::make_shared<int>();
  boost::intrusive_ptr<OutputStream> stream;
  bool called = false;
  {
    asio::io_context io;
    stream = new OutputStream(Loop::of(io.get_executor()), 1);
    stream->write("x"sv);
    // The handler keeps the stream, as a coroutine does that owns what it waits for.
    stream->wait(
        Until::drained, 0,
        OutputStream::Handler([&called, destroyed, stream](error_code, bool) { called = true; }));
    CHECK(destroyed.use_count() == 2);
  }
  CHECK(destroyed.use_count() == 1);
  CHECK_FALSE(called);
}
