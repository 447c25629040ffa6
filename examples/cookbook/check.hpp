// SPDX-License-Identifier: BSL-1.0
//
// What the programs of the cookbook share: a check that fails the program, and a loop that runs one
// coroutine to its end. The recipes themselves do not use it.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sluice/task.hpp>
#include <string_view>
#include <utility>

inline void check(bool holds, std::string_view what) {
  std::cout << (holds ? "ok      " : "FAILED  ") << what << std::endl;
  if (!holds) std::exit(1);
}

inline void spawn(boost::asio::io_context& loop, sluice::task<> work) {
  boost::asio::co_spawn(loop, std::move(work), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
}
