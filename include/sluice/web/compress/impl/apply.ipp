// SPDX-License-Identifier: BSL-1.0
//
// Definitions of apply.hpp.
#pragma once

#include <sluice/error.hpp>
#include <sluice/web/compress/apply.hpp>
#include <sluice/web/compress/detail/encoder_pool.hpp>
#include <sluice/web/compress/detail/response_filter.hpp>
#include <string>
#include <utility>

namespace sluice::compress {

SLUICE_DECL void apply(http::IncomingMessage& req, http::ServerResponse& res,
                       const Options& options) {
  for (const Coding coding : options.prefer) {
    if (!isBuiltIn(coding)) detail::throwNotBuiltIn(coding);
  }
  std::shared_ptr<detail::EncoderPool> pool = detail::EncoderPool::of(res.get_executor());
  std::unique_ptr<detail::ResponseFilter> filter = pool->takeFilter();
  filter->attach(std::move(pool), req, res, options);
  res.setBodyFilter(http::BodyFilterPointer(filter.release()));
}

}  // namespace sluice::compress
