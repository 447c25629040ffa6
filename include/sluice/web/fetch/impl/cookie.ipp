// SPDX-License-Identifier: BSL-1.0
//
// Definitions of cookie.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <sluice/web/detail/text.hpp>
#include <sluice/web/fetch/detail/cookie.hpp>

namespace sluice::detail {

/// Control characters, but for the tab: RFC 6265bis 5.6.
inline bool isForbidden(char letter) {
  return (static_cast<unsigned char>(letter) < 0x20 && letter != '\t') || letter == 0x7F;
}

// RFC 6265 5.1.1: the characters between the tokens of a date.
inline bool isDateDelimiter(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte == 0x09 || (byte >= 0x20 && byte <= 0x2F) || (byte >= 0x3B && byte <= 0x40) ||
         (byte >= 0x5B && byte <= 0x60) || (byte >= 0x7B && byte <= 0x7E);
}

/// `least` to `most` digits at the beginning of a token, with no digit after them.
inline std::optional<int> digitsOf(std::string_view& token, std::size_t least, std::size_t most) {
  std::size_t count = 0;
  int number = 0;
  while (count < token.size() && isDigit(token[count])) {
    if (count == most) return std::nullopt;
    number = number * 10 + (token[count++] - '0');
  }
  if (count < least) return std::nullopt;
  token.remove_prefix(count);
  return number;
}

struct DateFields {
  std::optional<std::array<int, 3>> time;
  std::optional<int> day, month, year;

  void take(std::string_view token) {
    if (!time && (time = timeOf(token))) return;
    std::string_view rest = token;
    if (!day && (day = digitsOf(rest, 1, 2))) return;
    if (!month && (month = monthOf(token))) return;
    rest = token;
    if (!year) year = digitsOf(rest, 2, 4);
  }

 private:
  static std::optional<std::array<int, 3>> timeOf(std::string_view token) {
    std::array<int, 3> fields{};
    for (std::size_t i = 0; i < 3; ++i) {
      if (i != 0) {
        if (!token.starts_with(':')) return std::nullopt;
        token.remove_prefix(1);
      }
      const auto number = digitsOf(token, 1, 2);
      if (!number) return std::nullopt;
      fields[i] = *number;
    }
    return fields;
  }
  static std::optional<int> monthOf(std::string_view token) {
    constexpr std::string_view names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
    for (int month = 1; month <= 12; ++month) {
      if (equalIgnoreCase(token.substr(0, 3), names[month - 1])) return month;
    }
    return std::nullopt;
  }
};

SLUICE_DECL std::optional<WallTime> cookieDate(std::string_view text) {
  DateFields fields;
  while (!text.empty()) {
    const auto begin = std::find_if_not(text.begin(), text.end(), isDateDelimiter);
    const auto end = std::find_if(begin, text.end(), isDateDelimiter);
    if (begin != end) fields.take(std::string_view(begin, end));
    text = std::string_view(end, text.end());
  }
  if (!fields.time || !fields.day || !fields.month || !fields.year) return std::nullopt;
  int year = *fields.year;
  if (year < 70) year += 2000;
  if (year < 100) year += 1900;
  const auto [hours, minutes, seconds] = *fields.time;
  if (year < 1601 || hours > 23 || minutes > 59 || seconds > 59) return std::nullopt;
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year) / *fields.month / *fields.day};
  if (!date.ok()) return std::nullopt;
  // What is beyond the clock's range is its end.
  if (year > 2200) return WallTime::max();
  if (year < 1700) return WallTime::min();
  return WallTime(sys_days(date)) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds);
}

inline bool isIpAddress(std::string_view host) {
  return host.starts_with('[') ||
         (!host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

SLUICE_DECL bool domainMatches(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !isIpAddress(host);
}

SLUICE_DECL bool pathMatches(std::string_view path, std::string_view cookiePath) {
  if (!path.starts_with(cookiePath)) return false;
  return path.size() == cookiePath.size() || cookiePath.ends_with('/') ||
         path[cookiePath.size()] == '/';
}

SLUICE_DECL std::string_view defaultPath(std::string_view path) {
  const std::size_t last = path.rfind('/');
  if (!path.starts_with('/') || last == 0) return "/";
  return path.substr(0, last);
}

/// Max-Age, 5.2.2; nullopt if it must be ignored.
inline std::optional<WallTime> maxAge(std::string_view value, WallTime now) {
  const bool negative = value.starts_with('-');
  const std::string_view digits = value.substr(negative ? 1 : 0);
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), isDigit)) return std::nullopt;
  // A hundred years are for ever.
  constexpr std::int64_t most = std::int64_t{100} * 366 * 24 * 3600;
  std::int64_t seconds = 0;
  for (const char digit : digits) seconds = std::min(most, seconds * 10 + (digit - '0'));
  if (negative || seconds == 0) return WallTime::min();
  return now + std::chrono::seconds(seconds);
}

struct CookieAttributes {
  std::optional<WallTime> expires, maxAge;
  std::string domain, path;
  bool secure = false, httpOnly = false;

  void take(std::string_view attribute, WallTime now) {
    const std::size_t equals = std::min(attribute.find('='), attribute.size());
    const std::string_view name = trimBlanks(attribute.substr(0, equals));
    const std::string_view value =
        trimBlanks(attribute.substr(std::min(equals + 1, attribute.size())));
    if (equalIgnoreCase(name, "expires")) {
      if (const auto date = cookieDate(value)) expires = date;
    } else if (equalIgnoreCase(name, "max-age")) {
      if (const auto date = detail::maxAge(value, now)) maxAge = date;
    } else if (equalIgnoreCase(name, "domain")) {
      domain = value.starts_with('.') ? value.substr(1) : value;
      for (char& letter : domain) letter = toLower(letter);
    } else if (equalIgnoreCase(name, "path")) {
      const bool plain = value.starts_with('/') && value.find('\t') == std::string_view::npos;
      path = plain ? value : std::string_view();
    } else if (equalIgnoreCase(name, "secure")) {
      secure = true;
    } else if (equalIgnoreCase(name, "httponly")) {
      httpOnly = true;
    }
  }
};

/// Whether the domain is one that the host may set cookies for.
inline bool mayHaveDomain(std::string_view host, std::string_view domain) {
  // There is no list of public suffixes, but those without a dot are known. "com." is one of them.
  return domainMatches(host, domain) && (host == domain || domain.find('.') < domain.size() - 1);
}

/// RFC 6265bis 4.1.3.
inline bool keepsPrefix(const Cookie& cookie, bool namesPath) {
  const auto has = [&](std::string_view prefix) {
    return cookie.name.size() >= prefix.size() &&
           equalIgnoreCase(std::string_view(cookie.name).substr(0, prefix.size()), prefix);
  };
  if (has("__secure-")) return cookie.secure;
  if (has("__host-")) return cookie.secure && cookie.hostOnly && namesPath && cookie.path == "/";
  return true;
}

SLUICE_DECL std::optional<Cookie> parseCookie(std::string_view line, const http::URL& url,
                                              WallTime now) {
  constexpr std::size_t most = 4096;
  if (std::any_of(line.begin(), line.end(), isForbidden)) return std::nullopt;
  const std::string_view pair = line.substr(0, line.find(';'));
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  Cookie cookie;
  cookie.name = trimBlanks(pair.substr(0, equals));
  cookie.value = trimBlanks(pair.substr(equals + 1));
  if (cookie.name.empty() || cookie.name.size() + cookie.value.size() > most) return std::nullopt;
  // It would end the name in what CookieJar::save() makes, as it would a path.
  if (cookie.name.find('\t') != std::string::npos) return std::nullopt;

  CookieAttributes attributes;
  line.remove_prefix(pair.size());
  while (!line.empty()) {
    line.remove_prefix(1);
    const std::string_view attribute = line.substr(0, line.find(';'));
    if (attribute.size() <= 1024) attributes.take(attribute, now);
    line.remove_prefix(attribute.size());
  }
  const std::string_view host = url.hostname();
  cookie.domain = host;
  if (!attributes.domain.empty()) {
    if (!mayHaveDomain(host, attributes.domain)) return std::nullopt;
    cookie.hostOnly = isIpAddress(host);
    cookie.domain = attributes.domain;
  }
  cookie.path =
      attributes.path.empty() ? std::string(defaultPath(url.pathname())) : attributes.path;
  cookie.secure = attributes.secure;
  cookie.httpOnly = attributes.httpOnly;
  cookie.expires = attributes.maxAge ? attributes.maxAge : attributes.expires;
  if (cookie.secure && url.protocol() != "https:") return std::nullopt;
  if (!keepsPrefix(cookie, !attributes.path.empty())) return std::nullopt;
  return cookie;
}

}  // namespace sluice::detail
