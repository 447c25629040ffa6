// SPDX-License-Identifier: BSL-1.0
//
// What waits to be sent: the bytes come out once, in the order in which they were written, however
// they were queued and however the kernel takes them.
#include <algorithm>
#include <cstddef>
#include <random>
#include <sluice/net/detail/write_queue.hpp>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <utility>

using sluice::net::detail::WriteQueue;

namespace {

/// What a kernel would be offered, and in how many pieces.
std::string offered(const WriteQueue& queue, std::size_t* count = nullptr) {
  WriteQueue::Pieces pieces;
  const std::size_t used = queue.pieces(pieces);
  if (count != nullptr) *count = used;
  std::string result;
  for (std::size_t i = 0; i < used; ++i) {
    CHECK(pieces[i].size() != 0);
    result.append(static_cast<const char*>(pieces[i].data()), pieces[i].size());
  }
  return result;
}

}  // namespace

TEST_CASE("an empty queue offers nothing", "[WriteQueue]") {
  WriteQueue queue;
  std::size_t count = 1;
  CHECK(offered(queue, &count) == "");
  CHECK(count == 0);
  CHECK(queue.empty());
  queue.keep("");
  CHECK(queue.empty());
  queue.consume(0);
  CHECK(queue.sent() == 0);
}

TEST_CASE("small pieces are one piece", "[WriteQueue]") {
  WriteQueue queue;
  queue.gathered().append("HTTP/1.1 ");
  queue.gathered().append("200 OK");
  std::size_t count = 0;
  CHECK(offered(queue, &count) == "HTTP/1.1 200 OK");
  CHECK(count == 1);
  CHECK(queue.size() == 15);
  CHECK(queue.queued() == 15);
  CHECK(queue.sent() == 0);
}

TEST_CASE("a kept string stays between what was gathered before and behind it", "[WriteQueue]") {
  WriteQueue queue;
  queue.gathered().append("a");
  queue.keep("BB");
  queue.keep("CCC");
  queue.gathered().append("dddd");
  std::size_t count = 0;
  CHECK(offered(queue, &count) == "aBBCCCdddd");
  CHECK(count == 4);
  CHECK(queue.size() == 10);
}

TEST_CASE("a kept string is not copied", "[WriteQueue]") {
  WriteQueue queue;
  std::string large(1000, 'x');
  const char* data = large.data();
  queue.keep(std::move(large));
  WriteQueue::Pieces pieces;
  REQUIRE(queue.pieces(pieces) == 1);
  CHECK(pieces[0].data() == data);
}

TEST_CASE("every prefix can be consumed", "[WriteQueue]") {
  const std::string all = "abBBBcCCCdeDDf";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    WriteQueue queue;
    queue.gathered().append("ab");
    queue.keep("BBB");
    queue.gathered().append("c");
    queue.keep("CCC");
    queue.gathered().append("de");
    queue.keep("DD");
    queue.gathered().append("f");
    queue.consume(cut);
    INFO("cut at " << cut);
    CHECK(offered(queue) == all.substr(cut));
    CHECK(queue.size() == all.size() - cut);
    CHECK(queue.sent() == cut);
    CHECK(queue.queued() == all.size());
  }
}

TEST_CASE("more pieces than one call takes come with the next call", "[WriteQueue]") {
  WriteQueue queue;
  std::string all;
  for (int i = 0; i < 20; ++i) {
    queue.gathered().append("g");
    queue.keep("KK");
    all += "gKK";
  }
  std::size_t count = 0;
  const std::string first = offered(queue, &count);
  CHECK(count == WriteQueue::maxPieces);
  CHECK(first == all.substr(0, first.size()));
  queue.consume(first.size());
  CHECK(offered(queue) == all.substr(first.size(), first.size()));
}

TEST_CASE("bytes that never waited count as queued and sent", "[WriteQueue]") {
  WriteQueue queue;
  queue.passedBy(100);
  CHECK(queue.sent() == 100);
  CHECK(queue.queued() == 100);
  queue.gathered().append("abc");
  CHECK(queue.queued() == 103);
}

TEST_CASE("clear() forgets the bytes and keeps the positions", "[WriteQueue]") {
  WriteQueue queue;
  queue.gathered().append("abc");
  queue.keep("DEF");
  queue.consume(1);
  queue.clear();
  CHECK(queue.empty());
  CHECK(queue.queued() == 6);
  CHECK(offered(queue) == "");
  queue.gathered().append("x");
  CHECK(offered(queue) == "x");
  CHECK(queue.queued() == 7);
}

TEST_CASE("moveTo() puts everything behind what the other queue has", "[WriteQueue]") {
  for (std::size_t cut = 0; cut <= 9; ++cut) {
    WriteQueue from, to;
    to.gathered().append("12");
    to.keep("34");
    from.gathered().append("ab");
    from.keep("CCC");
    from.gathered().append("de");
    from.keep("FF");
    from.consume(cut);
    from.moveTo(to);
    INFO("cut at " << cut);
    CHECK(offered(to) == "1234" + std::string("abCCCdeFF").substr(cut));
    CHECK(from.empty());
    CHECK(from.sent() == from.queued());
    CHECK(from.queued() == 9);
  }
}

TEST_CASE("a queue that never runs empty does not grow with what passes through it",
          "[WriteQueue]") {
  WriteQueue queue;
  std::string model;
  for (int i = 0; i < 5000; ++i) {
    const std::string bytes(997, static_cast<char>('a' + i % 26));
    queue.gathered().append(bytes);
    model += bytes;
    if (i % 50 == 7) {
      queue.keep(std::string(501, '-'));
      model += std::string(501, '-');
    }
    if (model.size() < 8000) continue;
    queue.consume(2000);
    model.erase(0, 2000);
    REQUIRE(offered(queue) == model);
  }
  CHECK(queue.gathered().capacity() <= 64 * 1024);
}

TEST_CASE("shrink() keeps the room for a small message, and not that for a large one",
          "[WriteQueue]") {
  WriteQueue queue;
  const std::string small(1000, 's'), large(20'000, 'l');
  queue.gathered().append(small);
  queue.consume(small.size());
  queue.shrink();
  CHECK(queue.gathered().capacity() >= small.size());
  queue.gathered().append(large);
  queue.consume(1);
  queue.shrink();
  CHECK(offered(queue) == large.substr(1));
  queue.consume(large.size() - 1);
  queue.shrink();
  CHECK(queue.gathered().capacity() == 0);
}

TEST_CASE("any mix of operations behaves as one long text", "[WriteQueue]") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto upTo = [&random](std::size_t most) { return random() % (most + 1); };
    WriteQueue queue;
    std::string model;
    std::uint64_t sent = 0;
    char next = 'a';
    const auto text = [&](std::size_t size) {
      std::string result;
      while (result.size() < size) {
        result += next;
        next = next == 'z' ? 'a' : static_cast<char>(next + 1);
      }
      return result;
    };
    for (int step = 0; step < 200; ++step) {
      switch (upTo(6)) {
        case 0:
        case 1: {
          const std::string bytes = text(upTo(40));
          queue.gathered().append(bytes);
          model += bytes;
          break;
        }
        case 2: {
          std::string bytes = text(upTo(60));
          model += bytes;
          queue.keep(std::move(bytes));
          break;
        }
        case 3: {
          WriteQueue other;
          const std::string before = text(upTo(5));
          other.gathered().append(before);
          const std::string middle = text(upTo(5));
          other.keep(std::string(middle));
          // The other queue takes over; its own positions start anew.
          queue.moveTo(other);
          queue = std::move(other);
          model = before + middle + model;
          sent = 0;
          break;
        }
        default: {
          const std::size_t most = offered(queue).size();
          const std::size_t count = upTo(most);
          queue.consume(count);
          model.erase(0, count);
          sent += count;
        }
      }
      const std::string visible = offered(queue);
      REQUIRE(visible == model.substr(0, visible.size()));
      REQUIRE((visible.empty() == model.empty()));
      REQUIRE(queue.size() == model.size());
      REQUIRE(queue.sent() == sent);
      REQUIRE(queue.queued() == sent + model.size());
    }
  }
}

// With a step for each piece that waits it would be five thousand million steps.
TEST_CASE("a hundred thousand kept pieces leave one by one", "[WriteQueue]") {
  constexpr std::size_t count = 100'000;
  WriteQueue queue;
  for (std::size_t i = 0; i != count; ++i) {
    queue.gathered().append("<");
    queue.keep(std::string(1, static_cast<char>('a' + i % 26)));
  }
  WriteQueue::Pieces pieces;
  std::size_t right = 0;
  for (std::size_t i = 0; i != count; ++i) {
    const std::size_t offered = queue.pieces(pieces);
    if (offered >= 2 && *static_cast<const char*>(pieces[0].data()) == '<' &&
        *static_cast<const char*>(pieces[1].data()) == static_cast<char>('a' + i % 26)) {
      ++right;
    }
    queue.consume(2);
  }
  CHECK(right == count);
  CHECK(queue.empty());
  CHECK(queue.sent() == 2 * count);
}

TEST_CASE("a queue that has to wait holds its bytes and no room for more", "[WriteQueue]") {
  WriteQueue queue;
  queue.gathered().append(std::string(20'000, 'a'));
  queue.consume(15'000);
  queue.tighten();
  CHECK(queue.gathered().capacity() == 0);
  CHECK(queue.size() == 5000);
  CHECK(queue.queued() == 20'000);
  queue.gathered().append("b");
  queue.keep("c");
  // Not once more: what was kept comes first.
  queue.tighten();
  CHECK(offered(queue) == std::string(5000, 'a') + "bc");
  queue.consume(5001);
  CHECK(offered(queue) == "c");
}
