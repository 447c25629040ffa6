// SPDX-License-Identifier: BSL-1.0
//
// What a connection that is warm takes from the heap: nothing.
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <optional>
#include <sluice/test/wire.hpp>
#include <string>
#include <string_view>
#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/run.hpp>

using namespace sluice;

TEST_CASE("the counter sees new", "[Allocations]") {
  const test::Allocations heap;
  // Volatile, or the compiler leaves out what nobody uses.
  int* volatile number = new int(1);
  CHECK(heap.count() == 1);
  CHECK(heap.live() >= 4);
  delete number;
  CHECK(heap.live() == 0);
}

#if defined(__GLIBC__)
TEST_CASE("the counter sees malloc and realloc", "[Allocations]") {
  const test::Allocations heap;
  void* volatile block = std::malloc(1000);
  CHECK(heap.count() == 1);
  CHECK(heap.live() >= 1000);
  block = std::realloc(block, 100000);
  CHECK(heap.live() >= 100000);
  std::free(block);
  CHECK(heap.count() >= 2);
  CHECK(heap.live() == 0);
}
#endif

TEST_CASE("a warm exchange of messages takes nothing from the heap", "[Socket]") {
  asio::io_context io;
  auto [ours, theirs] = test::connectedPair(io);
  const std::string large(6000, 'x');
  const auto echo = [&socket = theirs]() -> task<> {
    while (const auto piece = co_await socket.read()) co_await socket.write(*piece);
  };
  const auto ask = [&socket = ours, &large]() -> task<std::size_t> {
    std::optional<test::Allocations> heap;
    for (int i = 0; i < 2000; ++i) {
      if (i == 100) heap.emplace();
      const std::string_view question = i % 2 == 0 ? std::string_view("small") : large;
      co_await socket.write(question);
      std::size_t received = 0;
      while (received < question.size()) {
        const auto piece = co_await socket.read();
        received += piece->size();
      }
    }
    co_return heap->count();
  };
  auto echoing = test::start(io, echo());
  CHECK(test::run(io, ask()) == 0);
  ours.end();
  echoing.result();
}
