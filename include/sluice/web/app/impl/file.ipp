// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/file.hpp>.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <sluice/web/app/detail/file.hpp>

namespace sluice::app::detail {

// Without O_NONBLOCK a pipe would hold the thread until somebody writes to it.
SLUICE_DECL File::File(const std::filesystem::path& path)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}

SLUICE_DECL File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

SLUICE_DECL FileInfo File::info() const {
  struct stat about {};
  if (::fstat(descriptor_, &about) != 0) return {};
#if defined(__APPLE__)
  const auto& modified = about.st_mtimespec;
#else
  const auto& modified = about.st_mtim;
#endif
  FileInfo info;
  info.size = static_cast<std::uint64_t>(about.st_size);
  info.modified = std::chrono::sys_time<std::chrono::nanoseconds>(
      std::chrono::seconds(modified.tv_sec) + std::chrono::nanoseconds(modified.tv_nsec));
  info.isRegular = S_ISREG(about.st_mode);
  info.isFolder = S_ISDIR(about.st_mode);
  return info;
}

SLUICE_DECL std::size_t File::read(std::uint64_t from, std::span<char> to) const {
  std::size_t done = 0;
  while (done < to.size()) {
    const auto count =
        ::pread(descriptor_, to.data() + done, to.size() - done, static_cast<off_t>(from + done));
    if (count > 0)
      done += static_cast<std::size_t>(count);
    else if (count == 0 || errno != EINTR)
      break;
  }
  return done;
}

}  // namespace sluice::app::detail
