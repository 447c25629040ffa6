// SPDX-License-Identifier: BSL-1.0
//
// The encoders and filters of one execution context that nobody uses now. They have a lock because
// strands on several threads may share a context; it is held for a few instructions.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <sluice/web/compress/detail/encoder.hpp>
#include <vector>

namespace sluice::compress::detail {

class ResponseFilter;

class EncoderPool {
 public:
  EncoderPool();
  EncoderPool(const EncoderPool&) = delete;
  EncoderPool& operator=(const EncoderPool&) = delete;
  ~EncoderPool();

  static std::shared_ptr<EncoderPool> of(const boost::asio::any_io_executor& executor);

  std::unique_ptr<Encoder> takeEncoder(Coding coding, Extent extent);
  void give(std::unique_ptr<Encoder> encoder) noexcept;
  std::unique_ptr<ResponseFilter> takeFilter();
  void give(std::unique_ptr<ResponseFilter> filter) noexcept;

 private:
  // What is beyond these is freed.
  static constexpr std::size_t keptBytes = 8 * 1024 * 1024;
  static constexpr std::size_t keptFilters = 64;

  std::mutex mutex_;
  std::vector<std::unique_ptr<Encoder>> encoders_;
  std::vector<std::unique_ptr<ResponseFilter>> filters_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::compress::detail
