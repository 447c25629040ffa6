// SPDX-License-Identifier: BSL-1.0
//
// Conditional requests: whether the client has the current version already, in the order in which
// RFC 9110 §13.2.2 asks.
#pragma once

#include <chrono>
#include <sluice/http/headers.hpp>
#include <sluice/web/app/config.hpp>
#include <string_view>

namespace sluice::app::detail {

enum class Verdict { proceed, notModified, failed };

/// What is known of the current version. An empty tag and the zero time are none.
struct Validators {
  std::string_view etag;
  std::chrono::sys_seconds modified;
};

/// For GET and HEAD of something that exists.
Verdict checkPreconditions(const http::Headers& headers, const Validators& current);

/// Whether a Range counts: there is no If-Range, or it names the current version.
bool rangeApplies(const http::Headers& headers, const Validators& current);

/// Whether `list` of entity tags has `etag`. Weak: W/"a" is "a" too.
bool listsTag(std::string_view list, std::string_view etag, bool weak);

}  // namespace sluice::app::detail
