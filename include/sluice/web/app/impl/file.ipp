// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/file.hpp>.
#pragma once

#include <sluice/config.hpp>
#if SLUICE_USE_EPOLL
#include <sys/syscall.h>
#include <sys/uio.h>
#endif
#if defined(_WIN32)
#include <windows.h>
#include <winsock2.h>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sluice/web/app/detail/file.hpp>
#include <sluice/web/app/detail/mount_table.hpp>
#include <string>

namespace sluice::app::detail {

#if defined(_WIN32)

inline void* systemHandle(std::intptr_t handle) { return reinterpret_cast<void*>(handle); }

// Folders open with FILE_FLAG_BACKUP_SEMANTICS only. What is open may be replaced, as elsewhere.
SLUICE_DECL File::File(const std::filesystem::path& path, Reach reach) {
  if (reach == Reach::cache) {
    errno = EAGAIN;
    return;
  }
  handle_ = reinterpret_cast<std::intptr_t>(::CreateFileW(
      path.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
      OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
  if (handle_ == -1) errno = ::GetLastError() == ERROR_ACCESS_DENIED ? EACCES : ENOENT;
}

SLUICE_DECL File::~File() {
  if (handle_ != -1) ::CloseHandle(systemHandle(handle_));
}

SLUICE_DECL FileInfo File::info() const {
  BY_HANDLE_FILE_INFORMATION about{};
  // A device, such as CON, is not a file that can be sent.
  if (::GetFileType(systemHandle(handle_)) != FILE_TYPE_DISK) return {};
  if (!::GetFileInformationByHandle(systemHandle(handle_), &about)) return {};
  FileInfo info;
  info.size = (static_cast<std::uint64_t>(about.nFileSizeHigh) << 32) | about.nFileSizeLow;
  // In 100 ns since the year 1601.
  const auto ticks = (static_cast<std::uint64_t>(about.ftLastWriteTime.dwHighDateTime) << 32) |
                     about.ftLastWriteTime.dwLowDateTime;
  const auto since1970 = static_cast<std::int64_t>(ticks) - 116'444'736'000'000'000;
  info.modified = std::chrono::sys_time<std::chrono::nanoseconds>(
      std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>(since1970));
  info.isFolder = (about.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  info.isRegular = !info.isFolder;
  return info;
}

SLUICE_DECL std::size_t File::read(std::uint64_t from, std::span<char> to, Reach reach) const {
  std::size_t done = 0;
  while (reach == Reach::disk && done < to.size()) {
    OVERLAPPED at{};
    at.Offset = static_cast<DWORD>((from + done) & 0xFFFFFFFF);
    at.OffsetHigh = static_cast<DWORD>((from + done) >> 32);
    constexpr std::size_t most = 1U << 30;
    const auto wanted = static_cast<DWORD>(std::min(to.size() - done, most));
    DWORD count = 0;
    if (!::ReadFile(systemHandle(handle_), to.data() + done, wanted, &count, &at) || count == 0) {
      break;
    }
    done += count;
  }
  return done;
}

// Not canonical(): that of mingw-w64 leaves links, junctions and short names as they are.
SLUICE_DECL std::filesystem::path realPath(const std::filesystem::path& path, std::error_code& ec) {
  constexpr DWORD shared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  ec.clear();
  // A root that came from here begins with \\?\, after which a slash does not separate.
  std::filesystem::path native = path;
  native.make_preferred();
  void* const handle = ::CreateFileW(native.c_str(), 0, shared, nullptr, OPEN_EXISTING,
                                     FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  std::wstring name;
  DWORD size = handle == INVALID_HANDLE_VALUE ? 0 : MAX_PATH;
  // It says how much room the name wants if it is not enough, and else how long the name is.
  while (size > name.size()) {
    name.resize(size);
    size = ::GetFinalPathNameByHandleW(handle, name.data(), size, FILE_NAME_NORMALIZED);
  }
  name.resize(size);
  if (size == 0) ec.assign(static_cast<int>(::GetLastError()), std::system_category());
  if (handle != INVALID_HANDLE_VALUE) ::CloseHandle(handle);
  return name;
}

#else

// Not every C library of Linux has preadv2().
#if SLUICE_USE_EPOLL && defined(RWF_NOWAIT)

// Whether the file system's own part of opening may wait, which no flag keeps it from.
inline bool isElsewhere(const std::filesystem::path& path) {
  static const MountTable mounts = [] {
    std::ifstream text("/proc/self/mountinfo");
    return MountTable(std::string(std::istreambuf_iterator<char>(text), {}));
  }();
  if (path.native().starts_with('/')) return mounts.isElsewhere(path.native());
  std::error_code ignored;
  return mounts.isElsewhere(std::filesystem::absolute(path, ignored).native());
}

// openat2() with the number that it has on all but one architecture, as older C libraries know
// none. A kernel or a sandbox that lacks it says so, which is an error like others.
inline int openCached(const std::filesystem::path& path, int flags) {
#if defined(SYS_openat2)
  constexpr long number = SYS_openat2;
#else
  constexpr long number = 437;
#endif
  constexpr std::uint64_t noSymlinks = 0x04;
  constexpr std::uint64_t cached = 0x20;
  struct {
    std::uint64_t flags, mode, resolve;
  } const how{static_cast<std::uint64_t>(flags), 0, noSymlinks | cached};
  if (path.native().find("/..") != std::string::npos || isElsewhere(path)) {
    errno = EAGAIN;
    return -1;
  }
  return static_cast<int>(::syscall(number, AT_FDCWD, path.c_str(), &how, sizeof how));
}

inline ssize_t readCached(int descriptor, std::span<char> to, off_t from) {
  const iovec piece{to.data(), to.size()};
  return ::preadv2(descriptor, &piece, 1, from, RWF_NOWAIT);
}

#else

inline int openCached(const std::filesystem::path&, int) {
  errno = EAGAIN;
  return -1;
}

inline ssize_t readCached(int, std::span<char>, off_t) {
  errno = EAGAIN;
  return -1;
}

#endif

// Without O_NONBLOCK a pipe would hold the thread until somebody writes to it.
SLUICE_DECL File::File(const std::filesystem::path& path, Reach reach) {
  constexpr int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  handle_ = reach == Reach::cache ? openCached(path, flags) : ::open(path.c_str(), flags);
}

SLUICE_DECL File::~File() {
  if (handle_ != -1) ::close(static_cast<int>(handle_));
}

SLUICE_DECL FileInfo File::info() const {
  struct stat about {};
  if (::fstat(static_cast<int>(handle_), &about) != 0) return {};
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

SLUICE_DECL std::size_t File::read(std::uint64_t from, std::span<char> to, Reach reach) const {
  const int descriptor = static_cast<int>(handle_);
  std::size_t done = 0;
  while (done < to.size()) {
    const std::span<char> rest = to.subspan(done);
    const auto at = static_cast<off_t>(from + done);
    const auto count = reach == Reach::cache ? readCached(descriptor, rest, at)
                                             : ::pread(descriptor, rest.data(), rest.size(), at);
    if (count > 0)
      done += static_cast<std::size_t>(count);
    else if (count == 0 || errno != EINTR)
      break;
  }
  return done;
}

SLUICE_DECL std::filesystem::path realPath(const std::filesystem::path& path, std::error_code& ec) {
  return std::filesystem::canonical(path, ec);
}

#endif

}  // namespace sluice::app::detail
