// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/preconditions.hpp>.
#pragma once

#include <sluice/web/app/detail/http_date.hpp>
#include <sluice/web/app/detail/negotiation.hpp>
#include <sluice/web/app/detail/preconditions.hpp>

namespace sluice::app::detail {

SLUICE_DECL bool listsTag(std::string_view list, std::string_view etag, bool weak) {
  if (trimBlanks(list) == "*") return true;
  if (etag.empty()) return false;
  const auto opaque = [](std::string_view tag) {
    return tag.starts_with("W/") ? tag.substr(2) : tag;
  };
  while (!list.empty()) {
    const std::string_view tag = takeElement(list, ',', Backslash::isPlain);
    if (weak ? opaque(tag) == opaque(etag) : tag == etag && !tag.starts_with("W/")) return true;
  }
  return false;
}

SLUICE_DECL Verdict checkPreconditions(const http::Headers& headers, const Validators& current) {
  const bool dated = current.modified != std::chrono::sys_seconds();
  if (const auto tags = headers.get("if-match")) {
    if (!listsTag(*tags, current.etag, false)) return Verdict::failed;
  } else if (const auto date = parseHttpDate(headers["if-unmodified-since"]); date && dated) {
    if (current.modified > *date) return Verdict::failed;
  }
  if (const auto tags = headers.get("if-none-match")) {
    return listsTag(*tags, current.etag, true) ? Verdict::notModified : Verdict::proceed;
  }
  if (const auto date = parseHttpDate(headers["if-modified-since"]); date && dated) {
    if (current.modified <= *date) return Verdict::notModified;
  }
  return Verdict::proceed;
}

SLUICE_DECL bool rangeApplies(const http::Headers& headers, const Validators& current) {
  const auto version = headers.get("if-range");
  if (!version) return true;
  if (version->starts_with('"') || version->starts_with("W/")) {
    return listsTag(*version, current.etag, false);
  }
  // RFC 9110 §13.1.5: a date must be the same one.
  const auto date = parseHttpDate(*version);
  return date && *date == current.modified && current.modified != std::chrono::sys_seconds();
}

}  // namespace sluice::app::detail
