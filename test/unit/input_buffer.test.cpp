// SPDX-License-Identifier: BSL-1.0
//
// The buffer that a connection reads into: heads of every size, bodies behind them, and how much
// room is asked for. What was handed out must stay where it is as long as it was promised.
#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <random>
#include <sluice/http/detail/message/input_buffer.hpp>
#include <string>
#include "support/catch.hpp"

using sluice::http::detail::InputBuffer;

namespace {

constexpr std::size_t least = 1024;
constexpr std::size_t limit = 16 * 1024;

// What a read does: as much of `bytes` as there is room for.
std::size_t fill(InputBuffer& buffer, boost::asio::mutable_buffer room, std::string_view bytes) {
  const std::size_t count = std::min(room.size(), bytes.size());
  std::copy_n(bytes.data(), count, static_cast<char*>(room.data()));
  buffer.commit(count);
  return count;
}

std::string text(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string result(size, ' ');
  for (char& c : result) c = static_cast<char>('a' + random() % 26);
  return result;
}

}  // namespace

TEST_CASE("a head may be as large as its limit, and is in one piece", "[InputBuffer]") {
  for (const std::size_t size :
       std::initializer_list<std::size_t>{1, 1023, 1024, 1025, 4096, 16384}) {
    INFO(size << " bytes");
    const std::string head = text(size, 1);
    InputBuffer buffer(least);
    buffer.startMessage();
    std::size_t read = 0;
    while (read < size) {
      const auto room = buffer.prepareHead(limit);
      REQUIRE(room.size() != 0);
      read += fill(buffer, room, std::string_view(head).substr(read));
    }
    CHECK(buffer.unparsed() == head);
  }
}

TEST_CASE("beyond its limit a head gets no room", "[InputBuffer]") {
  InputBuffer buffer(least);
  buffer.startMessage();
  std::size_t read = 0;
  const std::string bytes = text(limit * 2, 2);
  for (int i = 0; i < 10; ++i) {
    read += fill(buffer, buffer.prepareHead(limit), std::string_view(bytes).substr(read));
  }
  CHECK(read == limit);
}

TEST_CASE("a head stays where it is while its body passes", "[InputBuffer]") {
  for (const std::size_t size : std::initializer_list<std::size_t>{10, 800, 1024, 3000, 16000}) {
    INFO("a head of " << size);
    const std::string head = text(size, 3);
    const std::string body = text(300'000, 4);
    InputBuffer buffer(least);
    buffer.startMessage();
    std::size_t read = 0;
    while (read < size) {
      const auto room = buffer.prepareHead(limit);
      read += fill(buffer, room, std::string_view(head).substr(read));
    }
    const std::string_view seen = buffer.unparsed();
    buffer.keepHead(size);
    std::string received;
    std::mt19937 random(5);
    for (std::size_t sent = 0; received.size() < body.size();) {
      if (buffer.empty()) buffer.reclaim();
      const auto room = buffer.prepareBody();
      REQUIRE(room.size() != 0);
      sent += fill(buffer, room, std::string_view(body).substr(sent, 1 + random() % 70'000));
      // Two pieces, of which the first is still in use when the next read starts.
      const std::string_view piece = buffer.unparsed().substr(0, 1 + random() % 5000);
      const std::string copy(piece);
      buffer.take(piece.size());
      sent += fill(buffer, buffer.prepareBody(), std::string_view(body).substr(sent, 100));
      REQUIRE(piece == copy);
      received += piece;
      const std::string_view rest = buffer.unparsed();
      received += rest;
      buffer.take(rest.size());
    }
    CHECK(received == body);
    CHECK(seen == head);
  }
}

TEST_CASE("a body that fills its room gets more of it, and an idle connection has little again",
          "[InputBuffer]") {
  InputBuffer buffer(least);
  buffer.startMessage();
  fill(buffer, buffer.prepareHead(limit), text(100, 6));
  buffer.keepHead(100);
  CHECK(buffer.prepareNext().size() == least - 100);
  buffer.takeBack();
  std::size_t largest = 0;
  const std::string bytes = text(100'000, 7);
  for (int i = 0; i < 8; ++i) {
    const auto room = buffer.prepareBody();
    largest = std::max(largest, room.size());
    fill(buffer, room, bytes);
    buffer.take(buffer.unparsed().size());
    buffer.reclaim();
  }
  CHECK(largest == 64 * 1024);
  buffer.startMessage();
  CHECK(buffer.prepareHead(limit).size() == least);
}

TEST_CASE("a small body stays in the block of its head, also where it comes later",
          "[InputBuffer]") {
  InputBuffer buffer(least);
  const char* block = nullptr;
  for (int message = 0; message != 3; ++message) {
    buffer.startMessage();
    const auto room = buffer.prepareHead(limit);
    if (block == nullptr) block = static_cast<const char*>(room.data());
    CHECK(room.data() == block);
    fill(buffer, room, text(300, 11));
    buffer.keepHead(300);
    CHECK(buffer.prepareBody().data() == block + 300);
    buffer.takeBack();
    fill(buffer, buffer.prepareBody(), text(700, 12));
    buffer.take(700);
    buffer.reclaim();
  }
}

TEST_CASE("the room for a head follows what comes", "[InputBuffer]") {
  InputBuffer buffer(least);
  const auto message = [&buffer](std::size_t size) {
    buffer.startMessage();
    const std::size_t first = buffer.prepareHead(limit).size();
    buffer.takeBack();
    const std::string bytes = text(size, 8);
    for (std::size_t read = 0; read < size;) {
      read += fill(buffer, buffer.prepareHead(limit), std::string_view(bytes).substr(read));
    }
    buffer.keepHead(size);
    return first;
  };
  CHECK(message(3000) == least);
  CHECK(message(3000) == 4 * least);
  for (int i = 0; i < 15; ++i) CHECK(message(200) == 4 * least);
  CHECK(message(200) == 4 * least);
  CHECK(message(200) == least);
}

TEST_CASE("so does the room for messages that come many at a time", "[InputBuffer]") {
  InputBuffer buffer(least);
  constexpr std::size_t size = 300;
  const std::string all = text(30 * size, 10);
  std::size_t sent = 0;
  std::size_t reads = 0;
  for (std::size_t message = 0; message != 30; ++message) {
    buffer.startMessage();
    while (buffer.unparsed().size() < size) {
      sent += fill(buffer, buffer.prepareHead(limit), std::string_view(all).substr(sent));
      ++reads;
    }
    CHECK(buffer.unparsed().substr(0, size) == std::string_view(all).substr(message * size, size));
    buffer.keepHead(size);
  }
  // 1 KiB, what makes 4 of it, and all the rest.
  CHECK(reads == 3);
}

TEST_CASE("what came behind a message is the next one, whatever its place", "[InputBuffer]") {
  const std::string all = text(60'000, 9);
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    InputBuffer buffer(least);
    std::string received;
    std::size_t sent = 0;
    while (received.size() < all.size()) {
      const std::size_t size =
          std::min<std::size_t>(1 + random() % 700, all.size() - received.size());
      buffer.startMessage();
      while (buffer.unparsed().size() < size) {
        const auto room = buffer.prepareHead(limit);
        REQUIRE(room.size() != 0);
        sent += fill(buffer, room, std::string_view(all).substr(sent, 1 + random() % 3000));
      }
      received += buffer.unparsed().substr(0, size);
      buffer.keepHead(size);
      if (buffer.empty() && random() % 2 == 0) {
        sent += fill(buffer, buffer.prepareNext(), std::string_view(all).substr(sent, 50));
      }
    }
    REQUIRE(received == all);
  }
}

TEST_CASE("a head stays where it is while all that comes after it is thrown away",
          "[InputBuffer]") {
  InputBuffer buffer(least);
  buffer.startMessage();
  const std::string head = text(400, 31);
  fill(buffer, buffer.prepareHead(limit), head);
  const std::string_view seen = buffer.unparsed();
  buffer.keepHead(seen.size());
  for (unsigned i = 0; i != 20; ++i) {
    fill(buffer, buffer.prepareNext(), text(300, i));
    // A piece that somebody holds stays as well.
    const InputBuffer::Hold hold = i % 3 == 0 ? buffer.hold() : nullptr;
    buffer.dropAll();
    CHECK(buffer.empty());
    CHECK(buffer.prepareNext().size() != 0);
    buffer.takeBack();
  }
  CHECK(seen == head);
}

TEST_CASE("release() gives back memory in which nothing is", "[InputBuffer]") {
  InputBuffer buffer(least);
  buffer.startMessage();
  fill(buffer, buffer.prepareHead(limit), "abc");
  buffer.release();
  CHECK(buffer.unparsed() == "abc");
  buffer.take(3);
  buffer.release();
  CHECK(buffer.empty());
  CHECK(buffer.prepareHead(limit).size() == least);
}

TEST_CASE("a read that is under way keeps its memory, whatever is asked of the buffer",
          "[InputBuffer]") {
  InputBuffer buffer(least);
  buffer.startMessage();
  fill(buffer, buffer.prepareHead(limit), text(700, 20));
  buffer.keepHead(700);
  const auto room = buffer.prepareNext();
  REQUIRE(room.size() == least - 700);
  CHECK(buffer.lent());
  // None of these gives the room to somebody else, moves it, or frees it.
  CHECK(buffer.prepareHead(limit).size() == 0);
  CHECK(buffer.prepareBody().size() == 0);
  CHECK(buffer.prepareNext().size() == 0);
  buffer.startMessage();
  buffer.dropAll();
  buffer.reclaim();
  buffer.release();
  std::memcpy(room.data(), "abc", 3);
  buffer.commit(3);
  CHECK(buffer.unparsed() == "abc");
  CHECK(!buffer.lent());
}

TEST_CASE("bytes that somebody holds stay where they are", "[InputBuffer]") {
  InputBuffer buffer(least);
  buffer.startMessage();
  const std::string head = text(400, 21);
  const std::string body = text(200, 22);
  fill(buffer, buffer.prepareHead(limit), head + body + "next");
  buffer.keepHead(400);
  const std::string_view piece = buffer.unparsed().substr(0, 200);
  InputBuffer::Hold hold = buffer.hold();
  buffer.take(200);
  SECTION("while the next message is read") {
    buffer.startMessage();
    const std::string more = text(10'000, 23);
    for (std::size_t sent = 0; sent != more.size();) {
      sent += fill(buffer, buffer.prepareHead(limit), std::string_view(more).substr(sent));
    }
    CHECK(buffer.unparsed() == "next" + more);
  }
  SECTION("when their place is wanted") {
    buffer.take(4);
    buffer.reclaim();
    fill(buffer, buffer.prepareBody(), text(1000, 24));
  }
  SECTION("when an empty buffer begins anew") {
    buffer.take(4);
    buffer.startMessage();
    fill(buffer, buffer.prepareHead(limit), text(1000, 25));
  }
  SECTION("when all is thrown away") {
    buffer.dropAll();
    buffer.release();
    fill(buffer, buffer.prepareHead(limit), text(1000, 26));
  }
  CHECK(piece == body);
}

TEST_CASE("a full block that somebody holds is not the last one", "[InputBuffer]") {
  for (const std::size_t size : std::initializer_list<std::size_t>{100, 1000}) {
    INFO("a head of " << size);
    InputBuffer buffer(least);
    buffer.startMessage();
    std::size_t read = 0;
    const std::string head = text(size, 27);
    while (read < size) {
      read += fill(buffer, buffer.prepareHead(limit), std::string_view(head).substr(read));
    }
    const std::string_view seen = buffer.unparsed();
    buffer.keepHead(size);
    const std::string bytes = text(100'000, 28);
    for (int i = 0; i < 8; ++i) {
      fill(buffer, buffer.prepareBody(), bytes);
      const std::string_view piece = buffer.unparsed();
      const std::string copy(piece);
      const InputBuffer::Hold hold = buffer.hold();
      buffer.take(piece.size());
      buffer.reclaim();
      const auto room = i % 2 == 0 ? buffer.prepareBody() : buffer.prepareNext();
      REQUIRE(room.size() != 0);
      fill(buffer, room, "more");
      CHECK(buffer.unparsed() == "more");
      buffer.take(4);
      CHECK(piece == copy);
    }
    CHECK(seen == head);
  }
}
