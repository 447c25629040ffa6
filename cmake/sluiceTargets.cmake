# SPDX-License-Identifier: BSL-1.0
#
# The targets, the same for an installed package and for a source tree:
#   sluice::sluice              the headers, and nothing that has to be compiled
#   sluice::https, ::compress   with TLS if OpenSSL was found, with content codings if zlib was; br and
#                               zstd come along if their libraries are found and SLUICE_BROTLI and
#                               SLUICE_ZSTD are not OFF
#   sluice::fetch               fetch(), with both
#   sluice::compiled            the same headers with their definitions in a static library, which the
#                               program's build compiles once; compiled_https, compiled_compress and
#                               compiled_websocket add the definitions of those headers
# SLUICE_INCLUDE_DIR says where the headers are, SLUICE_TARGET_SCOPE is GLOBAL for a source tree.
option(SLUICE_BROTLI "The content coding br in sluice::compress" ON)
option(SLUICE_ZSTD "The content coding zstd in sluice::compress" ON)

if(NOT TARGET sluice::sluice)
  add_library(sluice::sluice INTERFACE IMPORTED ${SLUICE_TARGET_SCOPE})
  target_include_directories(sluice::sluice INTERFACE ${SLUICE_INCLUDE_DIR})
  target_compile_features(sluice::sluice INTERFACE cxx_std_20)
  target_compile_definitions(
    sluice::sluice INTERFACE $<$<PLATFORM_ID:Windows>:_WIN32_WINNT=0x0A00;BOOST_ALL_NO_LIB>
    # <sluice/config.hpp> says why.
    $<$<BOOL:${MINGW}>:BOOST_ASIO_HAS_PTHREADS>)
  target_link_libraries(
    sluice::sluice INTERFACE Boost::headers Threads::Threads $<$<PLATFORM_ID:Windows>:ws2_32;mswsock>)
endif()

if(TARGET OpenSSL::SSL AND NOT TARGET sluice::https)
  add_library(sluice::https INTERFACE IMPORTED ${SLUICE_TARGET_SCOPE})
  target_link_libraries(sluice::https INTERFACE sluice::sluice OpenSSL::SSL OpenSSL::Crypto)
endif()

if(TARGET ZLIB::ZLIB AND NOT TARGET sluice::compress)
  add_library(sluice::compress INTERFACE IMPORTED ${SLUICE_TARGET_SCOPE})
  target_link_libraries(sluice::compress INTERFACE sluice::sluice ZLIB::ZLIB)

  find_path(sluice_brotli_include brotli/encode.h)
  find_library(sluice_brotlienc brotlienc)
  find_library(sluice_brotlidec brotlidec)
  mark_as_advanced(sluice_brotli_include sluice_brotlienc sluice_brotlidec)
  if(SLUICE_BROTLI AND sluice_brotli_include AND sluice_brotlienc AND sluice_brotlidec)
    target_compile_definitions(sluice::compress INTERFACE SLUICE_BROTLI)
    target_include_directories(sluice::compress INTERFACE ${sluice_brotli_include})
    target_link_libraries(sluice::compress INTERFACE ${sluice_brotlienc} ${sluice_brotlidec})
  endif()

  find_path(sluice_zstd_include zstd.h)
  find_library(sluice_zstd zstd)
  mark_as_advanced(sluice_zstd_include sluice_zstd)
  if(SLUICE_ZSTD AND sluice_zstd_include AND sluice_zstd)
    target_compile_definitions(sluice::compress INTERFACE SLUICE_ZSTD)
    target_include_directories(sluice::compress INTERFACE ${sluice_zstd_include})
    target_link_libraries(sluice::compress INTERFACE ${sluice_zstd})
  endif()
endif()

if(TARGET sluice::https AND TARGET sluice::compress AND NOT TARGET sluice::fetch)
  add_library(sluice::fetch INTERFACE IMPORTED ${SLUICE_TARGET_SCOPE})
  target_link_libraries(sluice::fetch INTERFACE sluice::https sluice::compress)
endif()

# sluice_compile NAME "LINES" DEPENDENCY...: sluice::NAME is a library that is compiled from these lines.
function(sluice_compile name lines)
  if(TARGET sluice_${name})
    return()
  endif()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/sluice/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "${lines}" @ONLY)
  add_library(sluice_${name} STATIC EXCLUDE_FROM_ALL ${source})
  add_library(sluice::${name} ALIAS sluice_${name})
  set_target_properties(sluice_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_definitions(sluice_${name} PUBLIC SLUICE_SEPARATE_COMPILATION)
  target_link_libraries(sluice_${name} PUBLIC ${ARGN})
endfunction()

sluice_compile(compiled "#include <sluice/app.hpp>\n#include <sluice/src.hpp>\n" sluice::sluice)
foreach(ring IN ITEMS https compress)
  if(TARGET sluice::${ring})
    sluice_compile(
      compiled_${ring}
      "#include <sluice/${ring}.hpp>\n#include <sluice/detail/definitions/${ring}.hpp>\n"
      sluice::compiled sluice::${ring})
  endif()
endforeach()
# connectWebSocket() knows wss://.
if(TARGET sluice::https)
  sluice_compile(
    compiled_websocket
    "#include <sluice/websocket.hpp>\n#include <sluice/detail/definitions/websocket.hpp>\n"
    sluice::compiled_https)
endif()
if(TARGET sluice::fetch)
  sluice_compile(
    compiled_fetch
    "#include <sluice/fetch.hpp>\n#include <sluice/detail/definitions/fetch.hpp>\n"
    sluice::compiled_https sluice::compiled_compress)
endif()

# import sluice; with compilers and generators that CMake knows how to scan for modules. Experimental.
option(SLUICE_MODULE "sluice::module, for import sluice; needs CMake 3.28 and clang 19" OFF)
if(SLUICE_MODULE AND NOT TARGET sluice_module)
  add_library(sluice_module STATIC EXCLUDE_FROM_ALL)
  add_library(sluice::module ALIAS sluice_module)
  target_sources(
    sluice_module PUBLIC FILE_SET CXX_MODULES BASE_DIRS ${SLUICE_INCLUDE_DIR}
                         FILES ${SLUICE_INCLUDE_DIR}/sluice/sluice.cppm)
  target_link_libraries(sluice_module PUBLIC sluice::sluice)
endif()
