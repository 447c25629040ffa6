// SPDX-License-Identifier: BSL-1.0
//
// Definitions of task.hpp.
#pragma once

#include <sluice/task.hpp>

namespace sluice {

SLUICE_DECL Executor::Executor(asio::io_context& loop) : executor_(loop.get_executor()) {}

}  // namespace sluice
