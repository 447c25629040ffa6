// SPDX-License-Identifier: BSL-1.0
//
// Compressed responses. With SLUICE_SEPARATE_COMPILATION a program that uses this includes
// <sluice/compress.hpp> before <sluice/src.hpp>, and links zlib. Otherwise the machine must have
// zlib's headers, or this is not there; if it has them, link zlib whether this is used or not.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_COMPRESSION_HPP
#define SLUICE_WEB_APP_COMPRESSION_HPP

#if defined(SLUICE_SEPARATE_COMPILATION) || __has_include(<zlib.h>)

#include <sluice/task.hpp>
#include <sluice/web/app/next.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <sluice/web/compress/apply.hpp>
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

#endif

#endif
