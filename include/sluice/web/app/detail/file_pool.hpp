// SPDX-License-Identifier: BSL-1.0
//
// A few threads for calls that block, so that a slow disk never holds a loop.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>

namespace sluice::app::detail {

/// The threads of one execution context, which its strands share. They start when they are first
/// needed, and end before the context's objects go.
class FilePool : public asio::execution_context::service {
 public:
  using key_type = FilePool;
  // What Asio needs to find a service: one name for the whole program.
  inline static asio::execution_context::id id;

  explicit FilePool(asio::execution_context& context) : service(context) {}
  static FilePool& of(const asio::any_io_executor& executor);

  /// Calls `work` on one of the threads and resumes where it was awaited. What `work` refers to
  /// lives at least that long. Strands may call this at the same time.
  ///
  /// cancel  none: it waits until `work` has returned
  /// throws  what `work` throws
  task<> run(std::function<void()> work);

 private:
  SLUICE_DECL void shutdown() override;

  asio::thread_pool& startedPool();

  static constexpr std::size_t threads_ = 4;
  std::mutex starting_;
  std::unique_ptr<asio::thread_pool> pool_;
};

}  // namespace sluice::app::detail
