# SPDX-License-Identifier: BSL-1.0
#
# An overlay port that takes the tree it is in: vcpkg install "sluice[https]" --overlay-ports=packaging/vcpkg
# A port for the registry has vcpkg_from_github here, with the release's tag, in place of the first line.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)

# The library is headers, so there is nothing to build twice.
set(VCPKG_BUILD_TYPE release)

set(tls OFF)
if("https" IN_LIST FEATURES)
  set(tls ON)
endif()
set(compress OFF)
if("compress" IN_LIST FEATURES)
  set(compress ON)
endif()

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    -DSLUICE_TLS=${tls}
    -DSLUICE_COMPRESS=${compress}
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/sluice)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/lib")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
