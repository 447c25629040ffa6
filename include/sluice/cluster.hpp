// SPDX-License-Identifier: BSL-1.0
//
// Several loops in one process that share their ports.
#pragma once

#include <sluice/net/cluster.hpp>
