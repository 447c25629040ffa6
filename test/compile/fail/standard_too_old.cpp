// SPDX-License-Identifier: BSL-1.0
//
// A program that is compiled as C++17 hears what it needs, and nothing else.
// flags: -std=c++17
// expected: sluice needs C++20: compile with -std=c++20 or newer
// at most: 20 lines
#include <sluice/http.hpp>
