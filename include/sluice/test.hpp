// SPDX-License-Identifier: BSL-1.0
//
// For tests of programs that use the library: handlers without sockets, connections in memory, a
// clock that the test moves.
#pragma once

#include <sluice/test/clock.hpp>
#include <sluice/test/inject.hpp>
#include <sluice/test/memory_transport.hpp>
#include <sluice/test/wire.hpp>
