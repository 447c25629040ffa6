// SPDX-License-Identifier: BSL-1.0
//
// The parser of the WHATWG URL Standard, told as functions that each take their piece off the front
// of the text instead of as the standard's state machine; the results are the same. Section numbers
// are the standard's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <sluice/error.hpp>
#include <sluice/http/detail/url/address.hpp>
#include <sluice/http/detail/url/characters.hpp>
#include <sluice/http/url.hpp>

namespace sluice::http {

namespace detail::urls {

// The schemes that the standard calls special and their ports (4.2); `file:` is refused before.
inline std::optional<std::string_view> specialPort(std::string_view protocol) {
  if (protocol == "http:" || protocol == "ws:") return "80";
  if (protocol == "https:" || protocol == "wss:") return "443";
  if (protocol == "ftp:") return "21";
  return std::nullopt;
}

// A message goes to logs: nothing unprintable, no endless line.
inline std::string quoted(std::string_view text) {
  constexpr std::size_t most = 200;
  std::string out = "'";
  for (const char c : text.substr(0, most)) {
    if (isControl(c)) {
      appendEncoded(out, std::string_view(&c, 1), controlSet);
    } else {
      out += c;
    }
  }
  return out += text.size() > most ? "...'" : "'";
}

inline std::string describe(char c) {
  if (c == ' ') return "space";
  if (isControl(c)) return "control character";
  return {'\'', c, '\''};
}

}  // namespace detail::urls

SLUICE_DECL std::string detail::percentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::optional<std::uint64_t> byte;
    if (text.front() == '%' && text.size() > 2) {
      byte = detail::urls::wholeNumber(text.substr(1, 2), 16);
    }
    out += byte ? static_cast<char>(*byte) : text.front();
    text.remove_prefix(byte ? 3 : 1);
  }
  return out;
}

// Takes `rest_` apart from its front and fills in `parts_`. Members that return bool return false
// if the text is no URL, and `problem` says why.
class URL::Parser {
 public:
  Parser(std::string_view input, const Parts* base) : base_(base) {
    const auto outer = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!input.empty() && outer(input.front())) input.remove_prefix(1);
    while (!input.empty() && outer(input.back())) input.remove_suffix(1);
    text_ = input;
    std::erase_if(text_, [](char c) { return c == '\t' || c == '\n' || c == '\r'; });
    rest_ = text_;
  }

  bool run() {
    if (!takeScheme()) return relative();
    if (parts_.protocol == "file:") return fail("the scheme file: is not supported");
    setSpecial();
    if (special_) {
      const bool sameScheme = base_ != nullptr && base_->protocol == parts_.protocol;
      return sameScheme && !rest_.starts_with("//") ? relative() : authority();
    }
    if (rest_.starts_with("//")) return authority();
    if (rest_.starts_with('/')) {
      path();
    } else {
      opaquePath();
    }
    queryAndFragment();
    return true;
  }

  Parts takeParts() { return std::move(parts_); }
  const std::string& problem() const { return problem_; }

 private:
  bool fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  bool isSlash(std::size_t at) const {
    return at < rest_.size() && (rest_[at] == '/' || (special_ && rest_[at] == '\\'));
  }

  void setSpecial() {
    const auto port = detail::urls::specialPort(parts_.protocol);
    special_ = port.has_value();
    defaultPort_ = port.value_or("");
  }

  bool takeScheme() {
    const std::size_t colon = rest_.find(':');
    if (colon == std::string_view::npos || !detail::urls::isAlpha(rest_.front())) return false;
    const std::string_view scheme = rest_.substr(0, colon);
    const auto allowed = [](char c) {
      return detail::urls::isAlpha(c) || detail::urls::isDigit(c) || c == '+' || c == '-' ||
             c == '.';
    };
    if (!std::all_of(scheme.begin(), scheme.end(), allowed)) return false;
    std::transform(scheme.begin(), scheme.end(), std::back_inserter(parts_.protocol),
                   [](char c) { return detail::urls::toLower(c); });
    parts_.protocol += ':';
    rest_.remove_prefix(colon + 1);
    return true;
  }

  bool relative() {
    if (base_ == nullptr) return fail("no scheme, and no base to take it from");
    if (base_->hasOpaquePath && !rest_.starts_with('#')) {
      return fail("nothing can be relative to a base of the form " + base_->protocol + "text");
    }
    parts_.protocol = base_->protocol;
    setSpecial();
    if (isSlash(0) && isSlash(1)) return authority();
    parts_ = *base_;
    parts_.hash.clear();
    if (!rest_.empty() && rest_.front() != '#') {
      parts_.query.clear();
      if (isSlash(0)) {
        parts_.pathname.clear();
        path();
      } else if (rest_.front() != '?') {
        dropLastSegment();
        path();
      }
    }
    queryAndFragment();
    return true;
  }

  bool authority() {
    if (special_) {
      while (isSlash(0)) rest_.remove_prefix(1);
    } else {
      rest_.remove_prefix(2);
    }
    std::string_view text = take(special_ ? "/?#\\" : "/?#");
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
      credentials(text.substr(0, at));
      text.remove_prefix(at + 1);
      if (text.empty()) return fail("no host behind '@'");
    }
    std::size_t colon = 0;
    for (bool inBrackets = false; colon < text.size(); ++colon) {
      if (text[colon] == ':' && !inBrackets) break;
      if (text[colon] == '[') inBrackets = true;
      if (text[colon] == ']') inBrackets = false;
    }
    const std::string_view hostname = text.substr(0, colon);
    if (hostname.empty() && (special_ || colon < text.size())) return fail("no host");
    if (!host(hostname)) return false;
    if (colon < text.size() && !port(text.substr(colon + 1))) return false;
    if (special_ || isSlash(0)) path();
    queryAndFragment();
    return true;
  }

  void credentials(std::string_view text) {
    const std::size_t colon = text.find(':');
    detail::urls::appendEncoded(parts_.username, text.substr(0, colon), detail::urls::userinfoSet);
    if (colon == std::string_view::npos) return;
    detail::urls::appendEncoded(parts_.password, text.substr(colon + 1), detail::urls::userinfoSet);
  }

  bool host(std::string_view text) {
    parts_.hasHost = true;
    if (text.starts_with('[')) {
      if (!text.ends_with(']')) return fail("'[' without ']' at the end of the host");
      const auto pieces = detail::urls::parseIPv6(text.substr(1, text.size() - 2));
      if (!pieces) return fail("malformed IPv6 address");
      parts_.hostname = detail::urls::serializeIPv6(*pieces);
      return true;
    }
    return special_ ? domain(detail::percentDecode(text)) : opaqueHost(text);
  }

  bool domain(std::string name) {
    for (char& c : name) {
      if (static_cast<unsigned char>(c) > 0x7F) return fail("host is not ASCII: write it as xn--");
      if (detail::urls::forbiddenInHost.has(c) || detail::urls::isControl(c) || c == '%') {
        return fail(detail::urls::describe(c) + " in host");
      }
      c = detail::urls::toLower(c);
    }
    if (!detail::urls::endsInNumber(name)) {
      parts_.hostname = std::move(name);
      return true;
    }
    const auto address = detail::urls::parseIPv4(name);
    if (!address) return fail("malformed IPv4 address");
    parts_.hostname = detail::urls::serializeIPv4(*address);
    return true;
  }

  bool opaqueHost(std::string_view text) {
    for (const char c : text) {
      if (detail::urls::forbiddenInHost.has(c)) {
        return fail(detail::urls::describe(c) + " in host");
      }
    }
    detail::urls::appendEncoded(parts_.hostname, text, detail::urls::controlSet);
    return true;
  }

  bool port(std::string_view text) {
    if (text.empty()) return true;
    const auto number = detail::urls::wholeNumber(text);
    if (!number || *number > 0xFFFF) return fail("port is not a number up to 65535");
    parts_.port = std::to_string(*number);
    if (parts_.port == defaultPort_) parts_.port.clear();
    return true;
  }

  void path() {
    if (isSlash(0)) rest_.remove_prefix(1);
    for (bool more = true; more;) {
      const std::string_view segment = take(special_ ? "/\\?#" : "/?#");
      more = isSlash(0);
      if (more) rest_.remove_prefix(1);
      const int dots = dotSegment(segment);
      if (dots == 2) dropLastSegment();
      if (dots != 0 && more) continue;
      parts_.pathname += '/';
      if (dots == 0) detail::urls::appendEncoded(parts_.pathname, segment, detail::urls::pathSet);
    }
  }

  // 1 for "." and 2 for "..", either dot also as "%2e"; 0 for all else.
  static int dotSegment(std::string_view segment) {
    int dots = 0;
    while (!segment.empty()) {
      const bool encoded = segment.starts_with("%2e") || segment.starts_with("%2E");
      if (dots == 2 || (!encoded && segment.front() != '.')) return 0;
      segment.remove_prefix(encoded ? 3 : 1);
      ++dots;
    }
    return dots;
  }

  void dropLastSegment() {
    if (!parts_.pathname.empty()) parts_.pathname.resize(parts_.pathname.rfind('/'));
  }

  void opaquePath() {
    parts_.hasOpaquePath = true;
    detail::urls::appendEncoded(parts_.pathname, take("?#"), detail::urls::controlSet);
    // A blank before a query that later goes away would be at the end, where parsing drops it.
    if (parts_.pathname.ends_with(' ')) {
      parts_.pathname.replace(parts_.pathname.size() - 1, 1, "%20");
    }
  }

  void queryAndFragment() {
    if (rest_.starts_with('?')) {
      const auto& set = special_ ? detail::urls::specialQuerySet : detail::urls::querySet;
      detail::urls::appendEncoded(parts_.query = "?", take("#").substr(1), set);
    }
    if (rest_.starts_with('#')) {
      detail::urls::appendEncoded(parts_.hash = "#", rest_.substr(1), detail::urls::fragmentSet);
    }
  }

  /// Takes what stands before the first of these characters.
  std::string_view take(std::string_view terminators) {
    const std::string_view taken = rest_.substr(0, rest_.find_first_of(terminators));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  const Parts* base_;
  std::string text_;
  std::string_view rest_;
  Parts parts_;
  bool special_ = false;
  std::string_view defaultPort_;
  std::string problem_;
};

SLUICE_DECL URL::URL(std::string_view input) : parts_(parsed(input, nullptr)) {}

SLUICE_DECL URL::URL(std::string_view input, std::string_view base) : URL(input, URL(base)) {}

SLUICE_DECL URL::URL(std::string_view input, const URL& base) {
  const Parts parts = base.current();
  parts_ = parsed(input, &parts);
}

SLUICE_DECL URL::URL(const URL& other) : parts_(other.current()) {}

SLUICE_DECL URL& URL::operator=(const URL& other) { return *this = URL(other); }

SLUICE_DECL bool URL::canParse(std::string_view input) { return Parser(input, nullptr).run(); }

SLUICE_DECL bool URL::canParse(std::string_view input, std::string_view base) {
  Parser parser(base, nullptr);
  if (!parser.run()) return false;
  const Parts parts = parser.takeParts();
  return Parser(input, &parts).run();
}

SLUICE_DECL bool URL::canParse(std::string_view input, const URL& base) {
  return Parser(input, &base.parts_).run();
}

SLUICE_DECL URL::Parts URL::parsed(std::string_view input, const Parts* base) {
  Parser parser(input, base);
  if (parser.run()) return parser.takeParts();
  throw Error(make_error_code(errc::ERR_INVALID_URL),
              "Invalid URL: " + detail::urls::quoted(input) + " (" + parser.problem() + ")");
}

SLUICE_DECL std::string URL::query() const {
  if (!searchParams_ || !searchParams_->edited_) return parts_.query;
  std::string text = searchParams_->toString();
  return text.empty() ? text : "?" + text;
}

SLUICE_DECL URL::Parts URL::current() const {
  Parts parts = parts_;
  parts.query = query();
  return parts;
}

SLUICE_DECL std::string URL::href() const {
  std::string out = parts_.protocol;
  if (parts_.hasHost) {
    out += "//";
    if (!parts_.username.empty() || !parts_.password.empty()) {
      out += parts_.username;
      if (!parts_.password.empty()) out += ':' + parts_.password;
      out += '@';
    }
    out += host();
  } else if (!parts_.hasOpaquePath && parts_.pathname.starts_with("//")) {
    // 4.5: without these two characters the path would be read as a host.
    out += "/.";
  }
  return out += parts_.pathname + query() + parts_.hash;
}

SLUICE_DECL std::string URL::origin() const {
  return detail::urls::specialPort(parts_.protocol) ? parts_.protocol + "//" + host() : "null";
}

SLUICE_DECL std::string URL::host() const {
  return parts_.port.empty() ? parts_.hostname : parts_.hostname + ':' + parts_.port;
}

SLUICE_DECL std::string URL::search() const {
  std::string text = query();
  return text.size() > 1 ? text : std::string();
}

SLUICE_DECL URLSearchParams& URL::searchParams() & {
  if (!searchParams_) searchParams_ = std::make_unique<URLSearchParams>(parts_.query);
  return *searchParams_;
}

SLUICE_DECL URLSearchParams URL::searchParams() const& {
  return searchParams_ ? *searchParams_ : URLSearchParams(parts_.query);
}

}  // namespace sluice::http
