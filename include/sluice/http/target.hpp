// SPDX-License-Identifier: BSL-1.0
//
// Path and query of a request, taken apart without a base URL and without an exception: whatever a
// client sends gives an answer.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_TARGET_HPP
#define SLUICE_HTTP_TARGET_HPP

#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

/// What splitTarget() finds: views into its argument, as they were sent.
struct Target {
  /// Begins with '/'. "*" of OPTIONS, and the authority of CONNECT, are given as they are.
  std::string_view path;
  /// Without its '?'; URLSearchParams takes it. "" if there is none.
  std::string_view query;
};

/// Takes req.url() apart: `/a%20b?c=d` into "/a%20b" and "c=d". Never throws.
///
///     const Target target = http::splitTarget(req.url());
///     const http::URLSearchParams query(target.query);
///
/// Of `http://host/a?b`, which proxies are sent, it is the path and the query too. Dot segments and
/// doubled slashes stay. A fragment, which no client should send, is left out.
Target splitTarget(std::string_view url) noexcept;

/// Decodes %XX in a part of a path or query. Node: decodeURIComponent().
///
/// Split a path at '/' before its parts are decoded: "%2F" is a slash within a part.
///
/// returns  nullopt, where JavaScript throws: a '%' without two hexadecimal digits, or bytes that
/// are
///          no UTF-8
std::optional<std::string> decodeURIComponent(std::string_view text);

}  // namespace sluice::http

#endif
