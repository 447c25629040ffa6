// SPDX-License-Identifier: BSL-1.0
//
// Definitions of write_result.hpp.
#pragma once

#include <sluice/http/error.hpp>
#include <sluice/write_result.hpp>

namespace sluice::detail {

SLUICE_DECL void throwError(const error_code& ec) { throw http::Error(ec); }

}  // namespace sluice::detail
