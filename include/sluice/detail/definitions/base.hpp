// SPDX-License-Identifier: BSL-1.0
//
// Every definition of the ring "base" that is not a template. Written by tools/tree --write.
#pragma once

#include <sluice/impl/encoding.ipp>
#include <sluice/impl/error.ipp>
#include <sluice/impl/one_mode.ipp>
