// SPDX-License-Identifier: BSL-1.0
//
// Says that this file of the program uses WebSocket, for <sluice/src.hpp>, which brings the
// definitions along only then. A client speaks wss:// too, so those of https come with them.
#pragma once

#include <sluice/https/config.hpp>

#if defined(SLUICE_HAS_SRC) && defined(SLUICE_SEPARATE_COMPILATION)
#error \
    "include <sluice/websocket.hpp> before <sluice/src.hpp>, or it is not compiled into the program"
#endif

#define SLUICE_HAS_WEBSOCKET
