// SPDX-License-Identifier: BSL-1.0
//
// The buffer of the hot path: what is appended comes out, and memory stays or goes as it is told.
#include <cstdint>
#include <limits>
#include <sluice/net/detail/byte_buffer.hpp>
#include <string>
#include <support/catch.hpp>
#include <utility>

using sluice::net::detail::ByteBuffer;

TEST_CASE("an empty buffer holds no memory", "[ByteBuffer]") {
  ByteBuffer buffer;
  CHECK(buffer.empty());
  CHECK(buffer.capacity() == 0);
  CHECK(buffer.view() == "");
  buffer.append("");
  CHECK(buffer.capacity() == 0);
  buffer.eraseFront(0);
  CHECK(buffer.view() == "");
}

TEST_CASE("text, single bytes and numbers are appended in order", "[ByteBuffer]") {
  ByteBuffer buffer;
  buffer.append("Content-Length: ");
  buffer.appendNumber(0);
  buffer.append(' ');
  buffer.appendNumber(std::numeric_limits<std::uint64_t>::max());
  buffer.append(' ');
  buffer.appendNumber(std::numeric_limits<std::uint64_t>::max(), 16);
  CHECK(buffer.view() == "Content-Length: 0 18446744073709551615 ffffffffffffffff");
  CHECK(buffer.size() == buffer.view().size());
}

TEST_CASE("what was there survives growing", "[ByteBuffer]") {
  ByteBuffer buffer;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const char byte = static_cast<char>('a' + i % 26);
    buffer.append(byte);
    expected += byte;
  }
  const std::string large(100000, 'x');
  buffer.append(large);
  CHECK(buffer.view() == expected + large);
  CHECK(buffer.capacity() >= buffer.size());
}

TEST_CASE("prepare() makes room that commit() takes in part", "[ByteBuffer]") {
  ByteBuffer buffer;
  buffer.append("ab");
  char* room = buffer.prepare(1000);
  room[0] = 'c';
  room[1] = 'd';
  buffer.commit(1);
  CHECK(buffer.view() == "abc");
  CHECK(buffer.capacity() >= 1002);
}

TEST_CASE("clear() keeps the memory and release() gives it back", "[ByteBuffer]") {
  ByteBuffer buffer;
  buffer.append(std::string(1000, 'x'));
  const auto capacity = buffer.capacity();
  const char* data = buffer.data();
  buffer.clear();
  CHECK(buffer.empty());
  CHECK(buffer.capacity() == capacity);
  buffer.append("again");
  CHECK(buffer.data() == data);
  buffer.release();
  CHECK(buffer.capacity() == 0);
  CHECK(buffer.view() == "");
  buffer.append("and again");
  CHECK(buffer.view() == "and again");
}

TEST_CASE("eraseFront() moves the rest to the front", "[ByteBuffer]") {
  ByteBuffer buffer;
  buffer.append("abcdef");
  buffer.eraseFront(2);
  CHECK(buffer.view() == "cdef");
  buffer.eraseFront(4);
  CHECK(buffer.empty());
}

TEST_CASE("a moved-from buffer is empty and usable", "[ByteBuffer]") {
  ByteBuffer first;
  first.append("first");
  ByteBuffer second(std::move(first));
  CHECK(second.view() == "first");
  ByteBuffer third;
  third.append("third");
  third = std::move(second);
  CHECK(third.view() == "first");
  // Constructed from: empty. Assigned from: what the other had, which still goes with its owner.
  first.append("anew");
  CHECK(first.view() == "anew");
}
