// SPDX-License-Identifier: BSL-1.0
//
// Strands whose handlers send files: they share the threads of their execution context.
#include <barrier>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <cstddef>
#include <future>
#include <sluice/app.hpp>
#include <sluice/web/app/detail/file_pool.hpp>
#include <vector>
#include "support/catch.hpp"

namespace {

namespace asio = boost::asio;
using namespace sluice;
using app::detail::FilePool;

constexpr std::size_t strands = 4;

task<> workOnPool(std::barrier<>& together, int& result) {
  FilePool& pool = FilePool::of(co_await asio::this_coro::executor);
  const std::function<void()> work = [&result] { result = 7; };
  together.arrive_and_wait();
  co_await pool.run(work);
}

}  // namespace

TEST_CASE("strands that need the threads for files at once start them once", "[strands]") {
  for (int round = 0; round < 100; ++round) {
    asio::thread_pool loop(strands);
    std::barrier<> together(strands);
    std::vector<int> results(strands);
    std::vector<std::future<void>> ends;
    for (int& result : results) {
      ends.push_back(
          asio::co_spawn(asio::make_strand(loop), workOnPool(together, result), asio::use_future));
    }
    for (auto& end : ends) end.get();
    REQUIRE(results == std::vector<int>(strands, 7));
    loop.join();
  }
}
