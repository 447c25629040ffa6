// SPDX-License-Identifier: BSL-1.0
//
// The names that Windows gives a file beside its own. Whoever could ask for a file by such a name
// would pass what guards its path: routes, rules for dotfiles, the handler of a folder.
#pragma once

#include <sluice/web/app/config.hpp>
#include <string_view>

namespace sluice::app::detail {

/// Whether Windows takes this part of a path for something else than a file of just this name.
///
/// That is a device (`NUL`, `com1.txt`), a stream or a drive (`a.txt::$DATA`, `c:`), a short name
/// (`SECRET~1.TXT`), a pattern, and dots or spaces at the end, which it leaves away. In UTF-8.
bool isOtherNameOnWindows(std::string_view part);

}  // namespace sluice::app::detail
