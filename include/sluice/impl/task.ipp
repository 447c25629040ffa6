// SPDX-License-Identifier: BSL-1.0
//
// Definitions of task.hpp.
#pragma once

#include <sluice/error.hpp>
#include <sluice/task.hpp>

namespace sluice {

SLUICE_DECL Executor::Executor(asio::io_context& loop) : executor_(loop.get_executor()) {}

SLUICE_DECL asio::any_io_executor Executor::requireGiven(asio::any_io_executor executor) {
  if (executor) return executor;
  throw Error(make_error_code(errc::ERR_INVALID_ARG_VALUE),
              "The executor is empty, as is that of an object whose loop has ended");
}

}  // namespace sluice
