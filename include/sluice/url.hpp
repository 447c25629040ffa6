// SPDX-License-Identifier: BSL-1.0
//
// The door to http::URL and http::URLSearchParams for programs that want nothing else of the
// library.
#pragma once

#include <sluice/http/url.hpp>
