// SPDX-License-Identifier: BSL-1.0
//
// Compiler checks and the switch between header-only and separate compilation. Every header of the
// library includes this one, and nothing else may define a SLUICE_ macro.
#pragma once

// MSVC says 199711L in the first one, unless it is told /Zc:__cplusplus.
#if __cplusplus < 202002L && (!defined(_MSVC_LANG) || _MSVC_LANG < 202002L)
#error "sluice needs C++20: compile with -std=c++20 or newer"
// Compilers stop at a file that is not there. Without this, thousands of errors would follow.
#include <sluice/needs_cxx20>
#endif

// MinGW has two kinds of threads. Asio takes those of POSIX in a file that has included the C++
// library before it, and those of Windows in others: its classes would differ from file to file.
#if defined(__MINGW32__) && __has_include(<pthread.h>) && !defined(BOOST_ASIO_HAS_PTHREADS)
#if defined(BOOST_ASIO_DETAIL_CONFIG_HPP)
#error "MinGW: compile every file of the program with -DBOOST_ASIO_HAS_PTHREADS"
#endif
#define BOOST_ASIO_HAS_PTHREADS 1
#endif

#include <boost/version.hpp>
#include <sluice/detail/one_mode.hpp>
#include <sluice/version.hpp>

#if BOOST_VERSION < 108100
#error "sluice needs Boost 1.81 or newer"
#endif

// Header-only is the default and always works. A program that wants short compile times defines
// SLUICE_SEPARATE_COMPILATION everywhere and includes <sluice/src.hpp> in exactly one file.
#if defined(SLUICE_SEPARATE_COMPILATION)
#define SLUICE_DECL
#else
#define SLUICE_DECL inline
#endif

// How sockets reach the system, for all files of a program alike. 1: an epoll set for each loop,
// which is faster; the default on Linux, and only there. 0: Asio's own sockets, on every system.
#if !defined(SLUICE_USE_EPOLL)
#if defined(__linux__)
#define SLUICE_USE_EPOLL 1
#else
#define SLUICE_USE_EPOLL 0
#endif
#endif

// <windows.h> makes macros of these unless NOMINMAX is defined. What they stand for is in every C++
// program that includes this library.
#if defined(_WIN32)
#undef min
#undef max
#endif
