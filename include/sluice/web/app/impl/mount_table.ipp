// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/mount_table.hpp>.
#pragma once

#include <algorithm>
#include <sluice/web/app/detail/mount_table.hpp>
#include <utility>

namespace sluice::app::detail {

namespace mount_table {

inline std::string_view takeField(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

// Blanks and backslashes are written as three digits of octal.
inline std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      plain += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 +
                                 (text[at + 3] - '0'));
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

// The file systems whose names and files the system has by itself. Others, such as nfs, cifs, 9p
// and fuse, ask.
inline bool isOwn(std::string_view type) {
  constexpr std::string_view own[] = {
      "bcachefs", "binfmt_misc", "bpf",      "btrfs",  "cgroup",     "cgroup2",   "configfs",
      "debugfs",  "devpts",      "devtmpfs", "erofs",  "exfat",      "ext2",      "ext3",
      "ext4",     "f2fs",        "fusectl",  "hfs",    "hfsplus",    "hugetlbfs", "iso9660",
      "jffs2",    "jfs",         "mqueue",   "nilfs2", "ntfs3",      "overlay",   "proc",
      "pstore",   "ramfs",       "rootfs",   "romfs",  "securityfs", "squashfs",  "sysfs",
      "tmpfs",    "tracefs",     "ubifs",    "udf",    "vfat",       "xfs",       "zfs"};
  return std::find(std::begin(own), std::end(own), type) != std::end(own);
}

}  // namespace mount_table

SLUICE_DECL MountTable::MountTable(std::string_view mountinfo) {
  while (!mountinfo.empty()) {
    const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    // Two numbers, the device and the root of the mount stand before its place, and any number of
    // fields and a dash before its type.
    for (int before = 0; before < 4; ++before) mount_table::takeField(line);
    std::string point = mount_table::unescaped(mount_table::takeField(line));
    while (!line.empty() && mount_table::takeField(line) != "-") {
    }
    const std::string_view type = mount_table::takeField(line);
    if (type.empty()) continue;
    if (!point.ends_with('/')) point += '/';
    mounts_.push_back({std::move(point), !mount_table::isOwn(type)});
  }
  // Of two at the same place the later one is above the other.
  std::reverse(mounts_.begin(), mounts_.end());
  std::stable_sort(mounts_.begin(), mounts_.end(), [](const Mount& left, const Mount& right) {
    return left.point.size() > right.point.size();
  });
  // If nothing is elsewhere, the root says so for all.
  if (std::none_of(mounts_.begin(), mounts_.end(), [](const Mount& m) { return m.elsewhere; })) {
    std::erase_if(mounts_, [](const Mount& mount) { return mount.point != "/"; });
  }
}

SLUICE_DECL bool MountTable::isElsewhere(std::string_view path) const {
  for (const Mount& mount : mounts_) {
    const std::string_view point = mount.point;
    const bool below = path.starts_with(point) || path == point.substr(0, point.size() - 1);
    if (below) return mount.elsewhere;
  }
  return true;
}

}  // namespace sluice::app::detail
