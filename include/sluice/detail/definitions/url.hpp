// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "url" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/http/impl/url.ipp>
#include <sluice/http/impl/url_search_params.ipp>
