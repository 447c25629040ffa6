// SPDX-License-Identifier: BSL-1.0
//
// Catch2's runner. It alone takes seconds to compile, so it stands in a file of its own.
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
int main(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
