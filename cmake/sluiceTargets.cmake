# SPDX-License-Identifier: BSL-1.0
#
# The two targets, the same for an installed package and for a source tree: sluice::sluice, and
# sluice::https where OpenSSL was found. SLUICE_INCLUDE_DIR says where the headers are,
# SLUICE_TARGET_SCOPE is GLOBAL for a source tree.
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
