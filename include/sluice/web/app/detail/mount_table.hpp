// SPDX-License-Identifier: BSL-1.0
//
// Where in the tree of Linux which file systems are. To open a file of some of them is to ask
// another machine or another program, which may take any time. Pure: it is told the text.
#pragma once

#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app::detail {

class MountTable {
 public:
  /// mountinfo  the text of /proc/self/mountinfo
  explicit MountTable(std::string_view mountinfo);

  /// Whether what is at this path may be elsewhere. Also true if nothing is known of it.
  ///
  /// path  from the root, without symbolic links
  bool isElsewhere(std::string_view path) const;

 private:
  struct Mount {
    std::string point;  // ends with a slash
    bool elsewhere;
  };

  std::vector<Mount> mounts_;  // the longest first
};

}  // namespace sluice::app::detail
