// SPDX-License-Identifier: BSL-1.0
//
// A file that is read at any place. What may wait for the disk runs on the threads of FilePool;
// what the system has in memory is had without them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <sluice/web/app/config.hpp>
#include <span>
#include <system_error>
#include <utility>

namespace sluice::app::detail {

/// How far a call goes for its answer. cache: what the system has in memory, so that a loop may
/// make the call; on many systems that is nothing. disk: it blocks until the answer is there.
enum class Reach { cache, disk };

struct FileInfo {
  std::uint64_t size = 0;
  std::chrono::sys_time<std::chrono::nanoseconds> modified{};
  bool isRegular = false;
  bool isFolder = false;
  bool operator==(const FileInfo&) const = default;
};

class File {
 public:
  File() = default;
  /// Nothing is open if that failed; errno says why.
  ///
  /// With Reach::cache never by way of a symbolic link or of "..". ENOENT and ENOTDIR are answers
  /// then, and every other error means that the disk must be asked.
  File(const std::filesystem::path& path, Reach reach);
  File(File&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~File();

  explicit operator bool() const { return handle_ != -1; }
  FileInfo info() const;
  /// How many bytes were read; fewer than asked for at the end, after an error, and where `reach`
  /// ends.
  std::size_t read(std::uint64_t from, std::span<char> to, Reach reach) const;

 private:
  // A descriptor, or a HANDLE of Windows. Either has -1 for nothing.
  std::intptr_t handle_ = -1;
};

/// The whole path of what is there, without symbolic links. Blocks.
std::filesystem::path realPath(const std::filesystem::path& path, std::error_code& ec);

}  // namespace sluice::app::detail
