// SPDX-License-Identifier: BSL-1.0
//
// The tools of the tests themselves: connections in memory, and run().
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <sluice/test/wire.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <support/run.hpp>
#include <utility>
#include <vector>

using namespace sluice;

namespace {

const error_code aborted = asio::error::operation_aborted;
const error_code gone = asio::error::bad_descriptor;
const error_code broken = asio::error::broken_pipe;
const error_code reset = asio::error::connection_reset;
const error_code ended = asio::error::eof;

class Owner final : public net::detail::TransportOwner {
 public:
  explicit Owner(boost::intrusive_ptr<test::MemoryTransport> transport)
      : transport_(std::move(transport)) {
    transport_->attach(this);
  }
  ~Owner() override { transport_->attach(nullptr); }

  void read(std::size_t size = 100) { transport_->read(asio::buffer(buffer_, size)); }
  std::size_t write(std::string_view bytes, error_code& ec) {
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    return transport_->tryWrite({&buffer, 1}, ec);
  }
  void onRead(const error_code& ec, std::size_t count) override {
    reads.emplace_back(ec, std::string(buffer_.data(), count));
  }
  void onWritable(const error_code& ec) override { writable.push_back(ec); }

  std::vector<std::pair<error_code, std::string>> reads;
  std::vector<error_code> writable;

 private:
  boost::intrusive_ptr<test::MemoryTransport> transport_;
  std::array<char, 100> buffer_{};
};

struct Fixture {
  ~Fixture() { transport.close(); }

  asio::io_context io;
  test::Wire wire{io};
  test::MemoryTransport& transport = *wire.transport();
  boost::intrusive_ptr<Owner> owner{new Owner(wire.transport())};
};

using Reads = decltype(Owner::reads);

}  // namespace

TEST_CASE("a read takes at most one piece, and never inside the call", "[Wire]") {
  Fixture f;
  f.wire.deliver("abc").deliver("").deliver("def");
  f.owner->read();
  CHECK(f.owner->reads.empty());
  test::settle(f.io);
  f.owner->read(2);
  test::settle(f.io);
  f.owner->read();
  test::settle(f.io);
  CHECK((f.owner->reads == Reads{{{}, "abc"}, {{}, "de"}, {{}, "f"}}));
  CHECK_FALSE(f.wire.waitsForBytes());
  f.owner->read();
  test::settle(f.io);
  CHECK(f.wire.waitsForBytes());
  f.wire.chop(2).deliver("xyz");
  test::settle(f.io);
  CHECK(f.owner->reads.back().second == "xy");
  CHECK(f.wire.unread() == "z");
  CHECK(f.wire.calls().read == 4);
}

TEST_CASE("the end and a failure come after the bytes", "[Wire]") {
  const error_code last =
      GENERATE(error_code(asio::error::eof), error_code(asio::error::timed_out));
  Fixture f;
  f.wire.deliver("abc");
  if (last == ended) {
    f.wire.deliverEnd();
  } else {
    f.wire.failRead(last);
  }
  for (int i = 0; i < 3; ++i) {
    f.owner->read();
    test::settle(f.io);
  }
  CHECK((f.owner->reads == Reads{{{}, "abc"}, {last, ""}, {last, ""}}));
}

TEST_CASE("tryRead() takes what is there, before a read that is about to", "[Wire]") {
  Fixture f;
  std::array<char, 10> buffer{};
  error_code ec;
  CHECK(f.transport.tryRead(asio::buffer(buffer), ec) == 0);
  CHECK_FALSE(ec);
  f.owner->read();
  f.wire.deliver("abc");
  CHECK(f.transport.tryRead(asio::buffer(buffer), ec) == 3);
  test::settle(f.io);
  CHECK(f.owner->reads.empty());
  f.wire.deliver("def");
  test::settle(f.io);
  CHECK((f.owner->reads == Reads{{{}, "def"}}));
  f.wire.deliverEnd();
  CHECK(f.transport.tryRead(asio::buffer(buffer), ec) == 0);
  CHECK(ec == ended);
}

TEST_CASE("writes are taken as far as there is room, and as much as one may take", "[Wire]") {
  Fixture f;
  error_code ec;
  CHECK(f.owner->write("abc", ec) == 3);
  f.wire.acceptAtMost(2);
  CHECK(f.owner->write("def", ec) == 2);
  f.wire.room(1);
  CHECK(f.owner->write("ghi", ec) == 1);
  CHECK(f.owner->write("jkl", ec) == 0);
  CHECK_FALSE(ec);
  CHECK(f.wire.received() == "abcdeg");
  CHECK(f.wire.takeReceived() == "abcdeg");
  CHECK(f.wire.received() == "");
  f.transport.waitWritable();
  test::settle(f.io);
  CHECK(f.owner->writable.empty());
  f.wire.room(1);
  CHECK(f.owner->writable.empty());
  // Somebody else was faster.
  CHECK(f.owner->write("m", ec) == 1);
  test::settle(f.io);
  CHECK(f.owner->writable.empty());
  f.wire.room(test::unlimited);
  test::settle(f.io);
  CHECK(f.owner->writable == std::vector{error_code()});
  CHECK(f.wire.calls().tryWrite == 5);
  CHECK(f.wire.calls().waitWritable == 1);
}

TEST_CASE("cancelRead() ends both waits and loses no bytes", "[Wire]") {
  Fixture f;
  f.wire.room(0);
  f.owner->read();
  f.transport.waitWritable();
  f.wire.deliver("kept").room(1);
  f.transport.cancelRead();
  test::settle(f.io);
  CHECK((f.owner->reads == Reads{{aborted, ""}}));
  CHECK(f.owner->writable == std::vector{aborted});
  f.owner->read();
  f.transport.waitWritable();
  test::settle(f.io);
  CHECK(f.owner->reads.back().second == "kept");
  CHECK(f.owner->writable.back() == error_code());
}

TEST_CASE("a closed transport ends what waits and takes nothing more", "[Wire]") {
  Fixture f;
  f.owner->read();
  f.transport.close();
  f.transport.close();
  f.transport.reset();
  CHECK(f.wire.closed());
  CHECK_FALSE(f.wire.wasReset());
  CHECK(f.wire.ended());
  test::settle(f.io);
  CHECK((f.owner->reads == Reads{{aborted, ""}}));
  f.owner->read();
  f.transport.waitWritable();
  test::settle(f.io);
  CHECK(f.owner->reads.back().first == gone);
  CHECK(f.owner->writable.back() == gone);
  error_code ec;
  CHECK(f.owner->write("x", ec) == 0);
  CHECK(ec == gone);
  ec.clear();
  f.transport.shutdownWrite(ec);
  CHECK(ec == gone);
}

TEST_CASE("after shutdownWrite() and after the peer's failure writes fail", "[Wire]") {
  Fixture f;
  error_code ec;
  f.transport.shutdownWrite(ec);
  CHECK_FALSE(ec);
  CHECK(f.wire.ended());
  CHECK(f.owner->write("x", ec) == 0);
  CHECK(ec == broken);

  Fixture g;
  g.wire.deliver("last").reset();
  CHECK(g.owner->write("x", ec) == 0);
  CHECK(ec == broken);
  g.owner->read();
  test::settle(g.io);
  g.owner->read();
  test::settle(g.io);
  CHECK((g.owner->reads == Reads{{{}, "last"}, {reset, ""}}));
}

TEST_CASE("failAt() fails the operation of that number and all later ones", "[Wire]") {
  Fixture f;
  f.wire.failAt(3, reset).deliver("abc");
  error_code ec;
  CHECK(f.owner->write("x", ec) == 1);
  f.owner->read();
  test::settle(f.io);
  CHECK(f.wire.calls().operations() == 2);
  CHECK(f.owner->write("y", ec) == 0);
  CHECK(ec == reset);
  f.owner->read();
  f.transport.waitWritable();
  test::settle(f.io);
  CHECK((f.owner->reads == Reads{{{}, "abc"}, {reset, ""}}));
  CHECK(f.owner->writable == std::vector{reset});
  CHECK(f.wire.received() == "x");
}

TEST_CASE("a pair holds as many unread bytes as it was given room for", "[Wire]") {
  asio::io_context io;
  test::TransportPair pair = test::connectedTransports(io, 10);
  const boost::intrusive_ptr<Owner> ours(new Owner(pair.first)), theirs(new Owner(pair.second));
  error_code ec;
  CHECK(ours->write("0123456789abc", ec) == 10);
  pair.first->waitWritable();
  test::settle(io);
  CHECK(ours->writable.empty());
  theirs->read(4);
  test::settle(io);
  CHECK(ours->writable == std::vector{error_code()});
  CHECK(ours->write("abcdef", ec) == 4);
  theirs->read();
  test::settle(io);
  CHECK((theirs->reads == Reads{{{}, "0123"}, {{}, "456789abcd"}}));
  pair.first->close();
  theirs->read();
  test::settle(io);
  CHECK(theirs->reads.back().first == ended);
}

TEST_CASE("run() brings results and exceptions", "[run]") {
  asio::io_context io;
  const auto seven = []() -> task<int> { co_return 7; };
  const auto throws = []() -> task<> {
    throw std::out_of_range("thrown");
    co_return;
  };
  CHECK(test::run(io, seven()) == 7);
  CHECK_THROWS_AS(test::run(io, throws()), std::out_of_range);
}

TEST_CASE("run() finds out at once what never ends, and names it", "[run]") {
  asio::io_context io;
  test::Wire wire(io);
  net::Socket socket = wire.socket();
  const auto waits = [&]() -> task<> { co_await socket.read(); };
  auto waiting = test::start(io, waits());
  std::string message;
  try {
    waiting.result();
  } catch (const std::logic_error& error) {
    message = error.what();
  }
  CHECK(message.find("wire.test.cpp:") != std::string::npos);
  CHECK(message.find("waits for what never comes") != std::string::npos);
}
