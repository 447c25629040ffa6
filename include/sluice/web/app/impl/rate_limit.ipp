// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/rate_limit.hpp> and of its buckets.
#pragma once

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cmath>
#include <sluice/error.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/web/app/detail/token_buckets.hpp>
#include <sluice/web/app/http_error.hpp>
#include <sluice/web/app/rate_limit.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <utility>

namespace sluice::app {

namespace detail {

SLUICE_DECL TokenBuckets::Answer TokenBuckets::take(std::string_view key, TimePoint now) {
  const auto known = index_.find(key);
  if (known == index_.end()) {
    forgetOldestFor(key);
    keyBytes_ += key.size();
    buckets_.push_front({std::string(key), size_, now});
    index_.emplace(buckets_.front().key, buckets_.begin());
  } else {
    buckets_.splice(buckets_.begin(), buckets_, known->second);
  }
  Bucket& bucket = buckets_.front();
  const std::chrono::duration<double, std::milli> passed = now - bucket.filled;
  bucket.tokens = std::min(size_, bucket.tokens + std::max(0.0, passed.count()) * perMillisecond_);
  bucket.filled = now;
  const bool taken = bucket.tokens >= 1;
  if (taken) bucket.tokens -= 1;
  const auto until = [&](double tokens) {
    const double missing = std::max(0.0, tokens - bucket.tokens);
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(std::ceil(missing / perMillisecond_)));
  };
  return {taken, static_cast<std::size_t>(bucket.tokens), until(1), until(size_)};
}

SLUICE_DECL void TokenBuckets::forgetOldestFor(std::string_view key) {
  while (!buckets_.empty() &&
         (buckets_.size() >= maxKeys_ || (keyBytes_ + key.size()) / keySize > maxKeys_)) {
    const std::string& oldest = buckets_.back().key;
    keyBytes_ -= oldest.size();
    index_.erase(oldest);
    buckets_.pop_back();
  }
}

// One host has a whole /64 of IPv6.
inline void keepNetworkOnly(std::string& address) {
  if (address.find(':') == std::string::npos) return;
  error_code ec;
  const auto parsed = asio::ip::make_address(address, ec);
  if (ec || !parsed.is_v6() || parsed.to_v6().is_v4_mapped()) return;
  const auto bytes = parsed.to_v6().to_bytes();
  address.assign(bytes.begin(), bytes.begin() + 8);
}

inline std::int64_t wholeSeconds(std::chrono::milliseconds time) {
  return std::chrono::ceil<std::chrono::seconds>(time).count();
}

}  // namespace detail

SLUICE_DECL RateLimit::RateLimit(RateLimitOptions options)
    : options_(std::move(options)),
      headers_(http::Headers{{"RateLimit-Limit", std::to_string(options_.limit)}}) {
  if (options_.limit == 0 || options_.window.count() <= 0 || options_.maxKeys == 0) {
    throw Error(errc::ERR_OUT_OF_RANGE, "rateLimit(): limit, window and maxKeys must be above 0");
  }
  if (options_.limit == http::unlimited) return;
  buckets_ =
      std::make_shared<detail::TokenBuckets>(options_.limit, options_.window, options_.maxKeys);
}

SLUICE_DECL task<> RateLimit::operator()(Request& req, Response& res, Next next) const {
  if (options_.limit == http::unlimited) return next();
  std::string key = options_.key ? options_.key(req) : req.ip();
  if (!options_.key) detail::keepNetworkOnly(key);
  const auto answer =
      buckets_->take(key, net::detail::SocketAccess::core(req.socket())->loop().now());
  if (options_.headers) {
    res.setHeaders(headers_);
    res.setHeader("RateLimit-Remaining", static_cast<std::int64_t>(answer.left));
    res.setHeader("RateLimit-Reset", detail::wholeSeconds(answer.untilFull));
  }
  if (answer.taken) return next();
  res.setHeader("Retry-After", std::max<std::int64_t>(1, detail::wholeSeconds(answer.untilNext)));
  throw HttpError{429};
}

}  // namespace sluice::app
