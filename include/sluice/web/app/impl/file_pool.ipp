// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/file_pool.hpp>.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <exception>
#include <sluice/web/app/detail/file_pool.hpp>
#include <utility>

namespace sluice::app::detail {

SLUICE_DECL FilePool& FilePool::of(const asio::any_io_executor& executor) {
  return asio::use_service<FilePool>(asio::query(executor, asio::execution::context));
}

// Work, and what it has thrown.
struct FileJob {
  std::function<void()> work;
  std::exception_ptr error = {};

  void act() noexcept {
    try {
      work();
    } catch (...) {
      error = std::current_exception();
    }
  }
};

// Lets a thread do the job, and the handler come back to where it belongs.
struct StartFileJob {
  asio::thread_pool* pool;
  FileJob* job;

  template <class Handler>
  void operator()(Handler handler) const {
    auto back = asio::make_work_guard(asio::get_associated_executor(handler));
    asio::post(*pool, [job = job, handler = std::move(handler), back = std::move(back)]() mutable {
      job->act();
      asio::post(back.get_executor(), std::move(handler));
    });
  }
};

SLUICE_DECL asio::thread_pool& FilePool::startedPool() {
  const std::lock_guard lock(starting_);
  if (!pool_) pool_ = std::make_unique<asio::thread_pool>(threads_);
  return *pool_;
}

SLUICE_DECL task<> FilePool::run(std::function<void()> work) {
  FileJob job{std::move(work)};
  const StartFileJob start{&startedPool(), &job};
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(start, asio::use_awaitable);
  if (job.error) std::rethrow_exception(job.error);
}

SLUICE_DECL void FilePool::shutdown() {
  if (!pool_) return;
  pool_->stop();
  pool_->join();
  pool_.reset();
}

}  // namespace sluice::app::detail
