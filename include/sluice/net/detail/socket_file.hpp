// SPDX-License-Identifier: BSL-1.0
//
// The file of a Unix socket: who made it, and whether it may be removed. This is the one file of
// the library that asks a file system.
#pragma once

#include <sluice/config.hpp>
#include <string>
#include <utility>

namespace sluice::net::detail {

/// The file that a listener has made. Another may have taken its name since.
class SocketFile {
 public:
  SocketFile() = default;
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

  static bool isSocket(const std::string& path);
  /// false: it is still there.
  static bool remove(const std::string& path);

  /// remove() will mean the file that has this name now.
  void remember(std::string path);
  /// Removes the file, unless somebody else has put another in its place.
  void remove();

 private:
  // Nothing is known if both are 0, as on Windows.
  struct Identity {
    unsigned long long device = 0, number = 0;
    bool operator==(const Identity&) const = default;
  };

  static Identity identityOf(const std::string& path);

  std::string path_;
  Identity identity_;
};

}  // namespace sluice::net::detail
