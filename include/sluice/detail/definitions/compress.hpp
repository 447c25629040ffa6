// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "compress" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/web/compress/impl/accepted.ipp>
#include <sluice/web/compress/impl/apply.ipp>
#include <sluice/web/compress/impl/coding.ipp>
#include <sluice/web/compress/impl/decoded.ipp>
#include <sluice/web/compress/impl/encoder_pool.ipp>
#include <sluice/web/compress/impl/response_filter.ipp>
