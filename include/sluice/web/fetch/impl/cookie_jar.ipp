// SPDX-License-Identifier: BSL-1.0
//
// Definitions of cookie_jar.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <sluice/web/detail/text.hpp>
#include <sluice/web/fetch/cookie_jar.hpp>
#include <sluice/web/fetch/detail/cookie.hpp>
#include <utility>

namespace sluice {

SLUICE_DECL CookieJar::CookieJar() : CookieJar(Clock(&std::chrono::system_clock::now)) {}
SLUICE_DECL CookieJar::CookieJar(Clock now) : now_(std::move(now)) {}
SLUICE_DECL CookieJar::CookieJar(const CookieJar&) = default;
SLUICE_DECL CookieJar::CookieJar(CookieJar&&) noexcept = default;
SLUICE_DECL CookieJar& CookieJar::operator=(const CookieJar&) = default;
SLUICE_DECL CookieJar& CookieJar::operator=(CookieJar&&) noexcept = default;
SLUICE_DECL CookieJar::~CookieJar() = default;

SLUICE_DECL std::string CookieJar::header(const http::URL& url) const {
  const auto now = now_();
  const bool secure = url.protocol() == "https:";
  std::vector<const detail::Cookie*> found;
  for (const detail::Cookie& cookie : cookies_) {
    const bool domain = cookie.hostOnly ? url.hostname() == cookie.domain
                                        : detail::domainMatches(url.hostname(), cookie.domain);
    if (domain && detail::pathMatches(url.pathname(), cookie.path) && (secure || !cookie.secure) &&
        !cookie.expired(now)) {
      found.push_back(&cookie);
    }
  }
  // RFC 6265 5.4: longer paths first, then the older ones.
  std::sort(found.begin(), found.end(), [](const auto* left, const auto* right) {
    if (left->path.size() != right->path.size()) return left->path.size() > right->path.size();
    return left->created < right->created;
  });
  std::string value;
  for (const detail::Cookie* cookie : found) {
    if (!value.empty()) value += "; ";
    value.append(cookie->name).append("=").append(cookie->value);
  }
  return value;
}

SLUICE_DECL void CookieJar::store(const http::URL& url, const http::Headers& headers) {
  for (const std::string_view line : headers.getSetCookie()) storeOne(url, line);
}

SLUICE_DECL void CookieJar::storeOne(const http::URL& url, std::string_view line) {
  auto cookie = detail::parseCookie(line, url, now_());
  if (!cookie) return;
  // RFC 6265bis 5.7: what came over http does not stand in for what came over https.
  if (url.protocol() != "https:") {
    for (const detail::Cookie& other : cookies_) {
      if (other.secure && other.name == cookie->name &&
          (detail::domainMatches(other.domain, cookie->domain) ||
           detail::domainMatches(cookie->domain, other.domain)) &&
          detail::pathMatches(cookie->path, other.path)) {
        return;
      }
    }
  }
  add(std::move(*cookie));
}

SLUICE_DECL void CookieJar::add(detail::Cookie cookie) {
  cookie.created = stored_++;
  const auto same = std::find_if(cookies_.begin(), cookies_.end(), [&](const auto& other) {
    return other.name == cookie.name && other.domain == cookie.domain &&
           other.path == cookie.path && other.hostOnly == cookie.hostOnly;
  });
  const bool expired = cookie.expired(now_());
  if (same != cookies_.end()) {
    if (expired) {
      cookies_.erase(same);
      return;
    }
    cookie.created = same->created;
    *same = std::move(cookie);
    return;
  }
  if (expired) return;
  cookies_.push_back(std::move(cookie));
  makeRoom();
}

SLUICE_DECL void CookieJar::makeRoom() {
  constexpr std::size_t mostOfDomain = 180;
  constexpr std::size_t most = 3000;
  const std::string domain = cookies_.back().domain;
  const auto older = [](const auto& left, const auto& right) {
    return left.created < right.created;
  };
  const auto ofDomain = std::count_if(cookies_.begin(), cookies_.end(),
                                      [&](const auto& cookie) { return cookie.domain == domain; });
  if (static_cast<std::size_t>(ofDomain) > mostOfDomain) {
    auto oldest = cookies_.end();
    for (auto each = cookies_.begin(); each != cookies_.end(); ++each) {
      if (each->domain == domain && (oldest == cookies_.end() || older(*each, *oldest)))
        oldest = each;
    }
    cookies_.erase(oldest);
  }
  if (cookies_.size() <= most) return;
  const auto now = now_();
  std::erase_if(cookies_, [now](const auto& cookie) { return cookie.expired(now); });
  if (cookies_.size() > most) {
    cookies_.erase(std::min_element(cookies_.begin(), cookies_.end(), older));
  }
}

SLUICE_DECL std::size_t CookieJar::size() const {
  const auto now = now_();
  return static_cast<std::size_t>(
      std::count_if(cookies_.begin(), cookies_.end(),
                    [now](const auto& cookie) { return !cookie.expired(now); }));
}

SLUICE_DECL void CookieJar::clear() { cookies_.clear(); }

SLUICE_DECL std::string CookieJar::save() const {
  std::string text = "# Netscape HTTP Cookie File\n";
  const auto now = now_();
  for (const detail::Cookie& cookie : cookies_) {
    if (cookie.expired(now)) continue;
    const std::int64_t expires =
        cookie.expires
            ? std::chrono::duration_cast<std::chrono::seconds>(cookie.expires->time_since_epoch())
                  .count()
            : 0;
    if (cookie.httpOnly) text += "#HttpOnly_";
    if (!cookie.hostOnly) text += '.';
    text += cookie.domain + (cookie.hostOnly ? "\tFALSE\t" : "\tTRUE\t") + cookie.path +
            (cookie.secure ? "\tTRUE\t" : "\tFALSE\t") + std::to_string(expires) + '\t' +
            cookie.name + '\t' + cookie.value + '\n';
  }
  return text;
}

SLUICE_DECL void CookieJar::load(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    // A header could not be made of it.
    if (std::any_of(line.begin(), line.end(), detail::isForbidden)) continue;
    detail::Cookie cookie;
    if (line.starts_with("#HttpOnly_")) {
      cookie.httpOnly = true;
      line.remove_prefix(10);
    } else if (line.starts_with('#')) {
      continue;
    }
    std::vector<std::string_view> fields;
    for (std::string_view rest = line; fields.size() < 7;) {
      const std::size_t tab = fields.size() == 6 ? std::string_view::npos : rest.find('\t');
      fields.push_back(rest.substr(0, tab));
      if (tab == std::string_view::npos) break;
      rest.remove_prefix(tab + 1);
    }
    std::int64_t expires = 0;
    if (fields.size() != 7 || fields[0].empty() || fields[2].empty() || fields[5].empty() ||
        std::from_chars(fields[4].data(), fields[4].data() + fields[4].size(), expires).ec !=
            std::errc()) {
      continue;
    }
    cookie.domain = fields[0].substr(fields[0].starts_with('.') ? 1 : 0);
    for (char& letter : cookie.domain) letter = detail::toLower(letter);
    // One with a mark in front would be read as something else when it is saved.
    if (cookie.domain.empty() || cookie.domain[0] == '.' || cookie.domain[0] == '#') continue;
    cookie.hostOnly = fields[1] != "TRUE";
    cookie.path = fields[2];
    cookie.secure = fields[3] == "TRUE";
    constexpr std::int64_t year2200 = 7258118400;
    if (expires != 0) {
      cookie.expires =
          detail::WallTime(std::chrono::seconds(std::clamp<std::int64_t>(expires, 1, year2200)));
    }
    cookie.name = fields[5];
    cookie.value = fields[6];
    if (cookie.name.size() + cookie.value.size() <= 4096) add(std::move(cookie));
  }
}

}  // namespace sluice
