// SPDX-License-Identifier: BSL-1.0
//
// Definitions of socket_file.hpp.
#pragma once

#if !defined(_WIN32)
#include <sys/stat.h>
#endif
#include <cstdio>
#include <sluice/net/detail/socket_file.hpp>

namespace sluice::net::detail {

#if defined(_WIN32)
// Windows shows a Unix socket as a file of no kind, and removes the name that it is told.
SLUICE_DECL bool SocketFile::isSocket(const std::string&) { return false; }
SLUICE_DECL SocketFile::Identity SocketFile::identityOf(const std::string&) { return {}; }
#else
SLUICE_DECL bool SocketFile::isSocket(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

SLUICE_DECL SocketFile::Identity SocketFile::identityOf(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  return {static_cast<unsigned long long>(info.st_dev),
          static_cast<unsigned long long>(info.st_ino)};
}
#endif

SLUICE_DECL bool SocketFile::remove(const std::string& path) {
  return std::remove(path.c_str()) == 0;
}

SLUICE_DECL void SocketFile::remember(std::string path) {
  path_ = std::move(path);
  identity_ = identityOf(path_);
}

SLUICE_DECL void SocketFile::remove() {
  const std::string path = std::exchange(path_, {});
  if (!path.empty() && identityOf(path) == identity_) remove(path);
}

}  // namespace sluice::net::detail
