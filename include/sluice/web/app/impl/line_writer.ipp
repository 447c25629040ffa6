// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/line_writer.hpp>.
#pragma once

#include <sluice/web/app/detail/line_writer.hpp>
#include <utility>

namespace sluice::app::detail {

SLUICE_DECL LineWriter::LineWriter(Sink sink, std::size_t limit)
    : sink_(std::move(sink)), limit_(limit), thread_([this] { run(); }) {}

SLUICE_DECL LineWriter::~LineWriter() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  filled_.notify_one();
  thread_.join();
}

SLUICE_DECL void LineWriter::push(std::string_view line) {
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() >= limit_) {
      ++dropped_;
      return;
    }
    const std::size_t before = waiting_.size();
    waiting_.append(line) += '\n';
    wakes = before == 0 || (before < enough && waiting_.size() >= enough);
  }
  if (wakes) filled_.notify_one();
}

SLUICE_DECL void LineWriter::run() {
  std::string lines;
  bool ends = false;
  while (!ends) {
    lines.clear();
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
      filled_.wait_for(lock, pause, [this] { return ends_ || waiting_.size() >= enough; });
      lines.swap(waiting_);
      if (const std::size_t dropped = std::exchange(dropped_, 0); dropped > 0) {
        lines += std::to_string(dropped) +
                 " lines were dropped: they came faster than they were written\n";
      }
      ends = ends_;
    }
    try {
      if (!lines.empty()) sink_(lines);
    } catch (...) {
      // There is nobody to tell: the log is what failed.
    }
  }
}

}  // namespace sluice::app::detail
