// SPDX-License-Identifier: BSL-1.0
//
// Definitions of encoder_pool.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <sluice/web/compress/detail/encoder_pool.hpp>
#include <sluice/web/compress/detail/response_filter.hpp>
#include <utility>

namespace sluice::compress::detail {

// A response may outlive its context, so it holds the pool as well as this does.
class EncoderPoolService final : public boost::asio::execution_context::service {
 public:
  using key_type = EncoderPoolService;
  static inline boost::asio::execution_context::id id;

  explicit EncoderPoolService(boost::asio::execution_context& context)
      : service(context), pool_(std::make_shared<EncoderPool>()) {}

  const std::shared_ptr<EncoderPool>& pool() const { return pool_; }

 private:
  void shutdown() override {}

  std::shared_ptr<EncoderPool> pool_;
};

SLUICE_DECL EncoderPool::EncoderPool() = default;
SLUICE_DECL EncoderPool::~EncoderPool() = default;

SLUICE_DECL std::shared_ptr<EncoderPool> EncoderPool::of(
    const boost::asio::any_io_executor& executor) {
  auto& context = boost::asio::query(executor, boost::asio::execution::context);
  return boost::asio::use_service<EncoderPoolService>(context).pool();
}

SLUICE_DECL std::unique_ptr<Encoder> EncoderPool::takeEncoder(Coding coding, Extent extent) {
  {
    const std::lock_guard lock(mutex_);
    const auto fits = std::find_if(encoders_.rbegin(), encoders_.rend(), [&](const auto& encoder) {
      return encoder->coding() == coding && encoder->extent() == extent;
    });
    if (fits != encoders_.rend()) {
      std::unique_ptr<Encoder> encoder = std::move(*fits);
      encoders_.erase(std::next(fits).base());
      bytes_ -= encoder->memory();
      return encoder;
    }
  }
  return makeEncoder(coding, extent);
}

SLUICE_DECL void EncoderPool::give(std::unique_ptr<Encoder> encoder) noexcept {
  const std::size_t bytes = encoder->memory();
  const std::lock_guard lock(mutex_);
  if (bytes_ + bytes > keptBytes) return;
  try {
    encoders_.push_back(std::move(encoder));
    bytes_ += bytes;
  } catch (const std::bad_alloc&) {
    // Then it is freed.
  }
}

SLUICE_DECL std::unique_ptr<ResponseFilter> EncoderPool::takeFilter() {
  {
    const std::lock_guard lock(mutex_);
    if (!filters_.empty()) {
      std::unique_ptr<ResponseFilter> filter = std::move(filters_.back());
      filters_.pop_back();
      return filter;
    }
  }
  return std::make_unique<ResponseFilter>();
}

SLUICE_DECL void EncoderPool::give(std::unique_ptr<ResponseFilter> filter) noexcept {
  const std::lock_guard lock(mutex_);
  if (filters_.size() == keptFilters) return;
  try {
    filters_.push_back(std::move(filter));
  } catch (const std::bad_alloc&) {
    // Then it is freed.
  }
}

}  // namespace sluice::compress::detail
