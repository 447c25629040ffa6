// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/windows_name.hpp>.
#pragma once

#include <algorithm>
#include <sluice/web/app/detail/negotiation.hpp>
#include <sluice/web/app/detail/windows_name.hpp>

namespace sluice::app::detail {

namespace windows_name {

using sluice::detail::isDigit;

// COM1 and LPT1 to 9; Windows counts superscripts as digits.
inline bool isPort(std::string_view name) {
  if (name.size() < 4) return false;
  const std::string_view number = name.substr(3);
  const bool counts = (number.size() == 1 && isDigit(number[0])) || number == "\xC2\xB9" ||
                      number == "\xC2\xB2" || number == "\xC2\xB3";
  const std::string_view kind = name.substr(0, 3);
  return counts && (equalIgnoreCase(kind, "com") || equalIgnoreCase(kind, "lpt"));
}

// A device is one with any extension, and with spaces in front of it.
inline bool isDevice(std::string_view part) {
  std::string_view name = part.substr(0, part.find('.'));
  while (name.ends_with(' ')) name.remove_suffix(1);
  for (const std::string_view device : {"con", "prn", "aux", "nul", "conin$", "conout$"}) {
    if (equalIgnoreCase(name, device)) return true;
  }
  return isPort(name);
}

// The form of 8.3: at most eight characters, of which the last are a tilde and digits, then at most
// three behind a dot.
inline bool isShort(std::string_view part) {
  const std::size_t dot = std::min(part.rfind('.'), part.size());
  std::string_view name = part.substr(0, dot);
  if (name.size() > 8 || part.size() - dot > 4) return false;
  const std::size_t before = name.size();
  while (!name.empty() && isDigit(name.back())) name.remove_suffix(1);
  return name.size() < before && name.ends_with('~');
}

}  // namespace windows_name

SLUICE_DECL bool isOtherNameOnWindows(std::string_view part) {
  if (part.empty()) return false;
  if (part.ends_with('.') || part.ends_with(' ')) return true;
  if (part.find_first_of("<>:\"|?*\\") != std::string_view::npos) return true;
  const auto isControl = [](char letter) { return static_cast<unsigned char>(letter) < ' '; };
  if (std::any_of(part.begin(), part.end(), isControl)) return true;
  return windows_name::isDevice(part) || windows_name::isShort(part);
}

}  // namespace sluice::app::detail
