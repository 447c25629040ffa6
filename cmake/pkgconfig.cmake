# SPDX-License-Identifier: BSL-1.0
#
# Writes the files for pkg-config, which Meson's module writes in a build with Meson. They find the
# headers from where they are themselves, so that an installed tree may be moved.
set(pkgconfig_files)

# write_pkgconfig NAME "DESCRIPTION" "REQUIRES" "COMPILER-FLAGS" "LINKER-FLAGS"
function(write_pkgconfig name description requires flags libraries)
  set(file ${PROJECT_BINARY_DIR}/${name}.pc)
  set(text "prefix=\${pcfiledir}/../..\n\nName: ${name}\nDescription: ${description}\n")
  string(APPEND text "Version: ${PROJECT_VERSION}\n")
  foreach(field IN ITEMS "Requires: ${requires}" "Cflags: ${flags}" "Libs: ${libraries}")
    if(NOT field MATCHES ": $")
      string(APPEND text "${field}\n")
    endif()
  endforeach()
  file(WRITE ${file} "${text}")
  set(pkgconfig_files ${pkgconfig_files} ${file} PARENT_SCOPE)
endfunction()

set(include_folder "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
if(IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(include_folder ${CMAKE_INSTALL_INCLUDEDIR})
endif()
write_pkgconfig(
  sluice "HTTP servers and clients for C++20 coroutines, with the API of Node" ""
  "-I${include_folder} -pthread" "-pthread")
if(TARGET sluice::https)
  write_pkgconfig(sluice-https "sluice with TLS" "sluice, openssl >= 3.0" "" "")
endif()
if(TARGET sluice::compress)
  set(requires "sluice, zlib")
  set(flags "")
  get_target_property(codings sluice::compress INTERFACE_COMPILE_DEFINITIONS)
  if(SLUICE_BROTLI IN_LIST codings)
    string(APPEND requires ", libbrotlienc, libbrotlidec")
    string(APPEND flags " -DSLUICE_BROTLI")
  endif()
  if(SLUICE_ZSTD IN_LIST codings)
    string(APPEND requires ", libzstd")
    string(APPEND flags " -DSLUICE_ZSTD")
  endif()
  write_pkgconfig(sluice-compress "sluice with content codings" "${requires}" "${flags}" "")
endif()
if(TARGET sluice::fetch)
  write_pkgconfig(sluice-fetch "sluice with fetch()" "sluice-https, sluice-compress" "" "")
endif()
