// SPDX-License-Identifier: BSL-1.0
//
// Compressed responses. A machine without zlib does not have this, and a program links zlib only if
// it uses it. With SLUICE_SEPARATE_COMPILATION a file includes <sluice/compress.hpp> and then this.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_COMPRESSION_HPP
#define SLUICE_WEB_APP_COMPRESSION_HPP

#if defined(SLUICE_HAS_COMPRESS) || (!defined(SLUICE_SEPARATE_COMPILATION) && __has_include(<zlib.h>))

#include <sluice/compress.hpp>
#include <sluice/task.hpp>
#include <sluice/web/app/next.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <utility>

namespace sluice::app {

/// A middleware that compresses what later steps answer; see compress::apply().
class Compression {
 public:
  explicit Compression(compress::Options options) : options_(std::move(options)) {}

  task<> operator()(Request& req, Response& res, Next next) const {
    compress::apply(req, res, options_);
    return next();
  }

 private:
  compress::Options options_;
};

/// router.use(app::compression());
inline Compression compression(compress::Options options = {}) {
  return Compression(std::move(options));
}

}  // namespace sluice::app

#else
// <sluice/app.hpp> found no compression. A later include may.
#undef SLUICE_WEB_APP_COMPRESSION_HPP
#endif

#endif
