// SPDX-License-Identifier: BSL-1.0
//
// A limit of how often a client may ask.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_RATE_LIMIT_HPP
#define SLUICE_WEB_APP_RATE_LIMIT_HPP

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <sluice/http/prepared_headers.hpp>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string>

namespace sluice::app {

namespace detail {
class TokenBuckets;
}

struct RateLimitOptions {
  /// How many requests in `window`; so many may also come at once. `http::unlimited`: nothing is
  /// counted, and nothing is told.
  std::size_t limit = 100;
  std::chrono::milliseconds window = std::chrono::minutes(1);
  /// The key that is counted. Not set: Request::ip(), of IPv6 the first 64 bits.
  std::function<std::string(Request&)> key = {};
  /// How many clients are remembered, fewer if their keys have more than 64 bytes on average. Past
  /// it, the one that was not seen for the longest time is forgotten.
  std::size_t maxKeys = 100'000;
  /// Tells clients how they stand: RateLimit-Limit, -Remaining and -Reset.
  bool headers = true;
};

/// A middleware: a bucket of tokens for each client, which fills up evenly. A client whose bucket
/// is empty gets 429 with Retry-After.
class RateLimit {
 public:
  /// throws  ERR_OUT_OF_RANGE for a limit, window or maxKeys of 0
  explicit RateLimit(RateLimitOptions options);

  // There is no moved-from one: moving copies.
  RateLimit(const RateLimit&) = default;
  RateLimit& operator=(const RateLimit&) = default;

  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

 private:
  RateLimitOptions options_;
  http::PreparedHeaders headers_;                  // those that never change
  std::shared_ptr<detail::TokenBuckets> buckets_;  // shared by copies
};

/// router.use("/login", app::rateLimit({.limit = 5}));
inline RateLimit rateLimit(RateLimitOptions options = {}) { return RateLimit(std::move(options)); }

}  // namespace sluice::app

#endif
