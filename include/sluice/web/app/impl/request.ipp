// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/request.hpp>.
#pragma once

#include <algorithm>
#include <sluice/net/socket.hpp>
#include <sluice/web/app/detail/negotiation.hpp>
#include <sluice/web/app/detail/route_table.hpp>
#include <sluice/web/app/request.hpp>

namespace sluice::app {

SLUICE_DECL detail::Routing& Request::routing() const {
  using Target = detail::Routing::Target;
  if (routing_.target == Target::unread) {
    routing_.target = routing_.path.assign(url()) ? Target::read : Target::refused;
  }
  return routing_;
}

SLUICE_DECL std::string_view Request::path() const { return routing().path.decoded(); }

SLUICE_DECL std::string_view Request::basePath() const {
  return path().substr(0, routing().basePath);
}

SLUICE_DECL std::string_view Request::route() const {
  const detail::Endpoint* const endpoint = routing().endpoint;
  return endpoint == nullptr ? std::string_view() : std::string_view(endpoint->route->pattern);
}

SLUICE_DECL std::string_view Request::param(std::string_view name) const {
  detail::Routing& routing = this->routing();
  if (routing.table == nullptr) return {};
  const detail::Capture* const value = routing.table->valueOf(name, routing);
  return value == nullptr ? std::string_view() : path().substr(value->at, value->size);
}

namespace detail {

// Calls `found(value)` for each field of a query that has this name, until it returns true.
template <class Found>
void eachOfQuery(std::string_view query, std::string_view name, Found&& found) {
  std::string text;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view field = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (field.empty()) continue;
    const std::size_t equals = std::min(field.find('='), field.size());
    const auto decoded = [&text](std::string_view part) {
      text.clear();
      appendLeniently(text, part);
    };
    decoded(field.substr(0, equals));
    if (text != name) continue;
    decoded(field.substr(std::min(equals + 1, field.size())));
    if (found(text)) return;
  }
}

}  // namespace detail

SLUICE_DECL std::optional<std::string> Request::query(std::string_view name) const {
  std::optional<std::string> first;
  detail::eachOfQuery(routing().path.query(), name, [&first](std::string& value) {
    first = std::move(value);
    return true;
  });
  return first;
}

SLUICE_DECL std::vector<std::string> Request::queryAll(std::string_view name) const {
  std::vector<std::string> all;
  detail::eachOfQuery(routing().path.query(), name, [&all](const std::string& value) {
    all.push_back(value);
    return false;
  });
  return all;
}

SLUICE_DECL std::optional<std::string_view> Request::cookie(std::string_view name) const {
  std::string_view cookies = headers()["cookie"];
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || detail::trimBlanks(pair.substr(0, equals)) != name)
      continue;
    std::string_view value = detail::trimBlanks(pair.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (value.find('%') == std::string_view::npos) return value;
    std::string text;
    if (!detail::appendDecoded(text, value)) return value;
    return decoded_.emplace_front(std::move(text));
  }
  return std::nullopt;
}

SLUICE_DECL bool Request::trustsPeer() const {
  const detail::RouteTable* const table = routing().table;
  return table != nullptr && !table->trusted().empty() &&
         table->trusted().contains(socket().remoteAddress());
}

SLUICE_DECL std::string Request::ip() const {
  std::string address = socket().remoteAddress();
  if (!trustsPeer()) return address;
  // Each proxy adds the address that it was called from to the end.
  std::string_view list = headers()["x-forwarded-for"];
  while (!list.empty() && routing().table->trusted().contains(address)) {
    const std::size_t comma = list.rfind(',');
    const std::size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
    const std::string_view last = detail::trimBlanks(list.substr(begin));
    list = list.substr(0, begin == 0 ? 0 : begin - 1);
    // RFC 9110 §5.6.1: an empty element counts for nothing.
    if (!last.empty()) address = last;
  }
  return address;
}

namespace detail {

inline std::string_view firstElement(std::string_view list) {
  std::string_view first;
  while (first.empty() && !list.empty()) first = takeElement(list);
  return first;
}

}  // namespace detail

SLUICE_DECL bool Request::isEncrypted() const {
  if (trustsPeer()) {
    const std::string_view first = detail::firstElement(headers()["x-forwarded-proto"]);
    if (detail::equalIgnoreCase(first, "https")) return true;
    if (detail::equalIgnoreCase(first, "http")) return false;
  }
  return socket().encrypted();
}

SLUICE_DECL std::string Request::protocol() const { return isEncrypted() ? "https" : "http"; }

SLUICE_DECL std::string Request::host() const {
  if (trustsPeer()) {
    const std::string_view first = detail::firstElement(headers()["x-forwarded-host"]);
    if (!first.empty()) return std::string(first);
  }
  return std::string(headers()["host"]);
}

SLUICE_DECL bool Request::is(std::string_view type) const {
  const std::string_view own = detail::plainMediaType(headers()["content-type"]);
  return !own.empty() && detail::matchesMediaRange(detail::plainMediaType(type), own);
}

SLUICE_DECL std::string_view Request::accepts(std::initializer_list<std::string_view> types) const {
  const auto accept = headers().get("accept");
  std::string_view best;
  detail::Liking most;
  for (const std::string_view type : types) {
    if (!accept) return type;
    const bool isName = type.find('/') == std::string_view::npos;
    const auto liking = detail::likingOf(*accept, isName ? detail::plainMediaType(type) : type);
    if (liking.quality == 0 || !liking.isMoreThan(most)) continue;
    most = liking;
    best = type;
  }
  return best;
}

}  // namespace sluice::app
