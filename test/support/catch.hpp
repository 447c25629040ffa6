// SPDX-License-Identifier: BSL-1.0
//
// Catch2 in whichever version the machine has: Debian ships 2, the wrap brings 3. Tests use only
// what both have.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
#endif
