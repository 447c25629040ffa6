// SPDX-License-Identifier: BSL-1.0
//
// The version of the library, for programs that ask the preprocessor. It includes nothing.
#pragma once

#define SLUICE_VERSION_MAJOR 0
#define SLUICE_VERSION_MINOR 1
#define SLUICE_VERSION_PATCH 0
/// One number to compare: major * 10000 + minor * 100 + patch.
#define SLUICE_VERSION \
  (SLUICE_VERSION_MAJOR * 10000 + SLUICE_VERSION_MINOR * 100 + SLUICE_VERSION_PATCH)
#define SLUICE_VERSION_STRING "0.1.0"
