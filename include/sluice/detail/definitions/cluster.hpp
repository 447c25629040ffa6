// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "cluster" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/net/impl/cluster.ipp>
