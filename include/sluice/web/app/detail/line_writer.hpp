// SPDX-License-Identifier: BSL-1.0
//
// Lines that a thread of their own writes, so that a slow disk or terminal holds no loop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::app::detail {

class LineWriter {
 public:
  using Sink = std::function<void(std::string_view lines)>;

  /// sink   called on the thread, with whole lines
  /// limit  how many bytes may wait; lines past it are dropped, and a line says how many
  LineWriter(Sink sink, std::size_t limit);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  /// Waits until everything is written.
  ~LineWriter();

  /// Adds a line, without its end. Any thread may call it.
  void push(std::string_view line);

 private:
  void run();

  // Lines are gathered for so long, or until they are so many bytes: waking the thread up costs
  // more than a line.
  static constexpr std::chrono::milliseconds pause{10};
  static constexpr std::size_t enough = 128 * 1024;

  Sink sink_;
  std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::string waiting_;
  std::size_t dropped_ = 0;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace sluice::app::detail
