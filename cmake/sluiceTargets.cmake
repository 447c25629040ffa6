# SPDX-License-Identifier: BSL-1.0
#
# The targets, the same for an installed package and for a source tree: sluice::sluice,
# sluice::https if OpenSSL was found, and sluice::compress if zlib was. The content codings br and
# zstd come along if their libraries are found and SLUICE_BROTLI and SLUICE_ZSTD are not set to OFF.
# SLUICE_INCLUDE_DIR says where the headers are, SLUICE_TARGET_SCOPE is GLOBAL for a source tree.
option(SLUICE_BROTLI "The content coding br in sluice::compress" ON)
option(SLUICE_ZSTD "The content coding zstd in sluice::compress" ON)

if(NOT TARGET sluice::sluice)
  add_library(sluice::sluice INTERFACE IMPORTED ${SLUICE_TARGET_SCOPE})
  target_include_directories(sluice::sluice INTERFACE ${SLUICE_INCLUDE_DIR})
  target_compile_features(sluice::sluice INTERFACE cxx_std_20)
  target_link_libraries(sluice::sluice INTERFACE Boost::headers Threads::Threads)
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
