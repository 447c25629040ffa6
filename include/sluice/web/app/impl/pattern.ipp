// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/pattern.hpp>.
#pragma once

#include <algorithm>
#include <sluice/detail/ascii.hpp>
#include <sluice/web/app/detail/pattern.hpp>

namespace sluice::app::detail {

// Reads a pattern from left to right, with every plain pattern that it may still become.
class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : pattern_(pattern) {}

  std::vector<PatternTokens> read() {
    if (!pattern_.starts_with('/') && !pattern_.starts_with("{/")) {
      throw PatternError(0, "a pattern begins with '/'");
    }
    std::vector<PatternTokens> variants = sequence(false);
    for (PatternTokens& variant : variants) finish(variant);
    return variants;
  }

 private:
  using Variants = std::vector<PatternTokens>;

  Variants sequence(bool inGroup) {
    Variants variants(1);
    while (at_ < pattern_.size()) {
      const char letter = pattern_[at_];
      if (letter == '{') {
        addGroup(variants);
        continue;
      }
      if (letter == '}') {
        if (!inGroup) throw PatternError(at_, "'}' closes nothing");
        return variants;
      }
      const std::size_t begin = at_;
      const PatternToken token = next();
      for (PatternTokens& variant : variants) add(variant, token, begin);
    }
    return variants;
  }

  void addGroup(Variants& variants) {
    const std::size_t begin = at_++;
    if (++depth_ > 8) throw PatternError(begin, "groups are nested too deeply");
    const Variants group = sequence(true);
    --depth_;
    if (at_ == pattern_.size()) throw PatternError(begin, "'{' is not closed");
    ++at_;
    if (variants.size() * (group.size() + 1) > maxVariants) {
      throw PatternError(begin, "there are too many optional groups");
    }
    Variants all;
    for (const PatternTokens& variant : variants) {
      for (const PatternTokens& more : group) {
        PatternTokens with = variant;
        for (const PatternToken& token : more) add(with, token, begin);
        all.push_back(std::move(with));
      }
      all.push_back(variant);
    }
    variants = std::move(all);
  }

  PatternToken next() {
    const char letter = pattern_[at_];
    if (letter == ':' || letter == '*') {
      ++at_;
      return {letter == ':' ? PatternToken::Kind::param : PatternToken::Kind::wildcard, name()};
    }
    if (std::string_view("()[]+?!").find(letter) != std::string_view::npos) {
      throw PatternError(at_,
                         std::string("'") + letter + "' is reserved, write \"\\" + letter + '"');
    }
    if (letter == '\\' && ++at_ == pattern_.size()) {
      throw PatternError(at_ - 1, "there is nothing after '\\'");
    }
    return {PatternToken::Kind::text, std::string(1, pattern_[at_++])};
  }

  std::string name() {
    const std::size_t begin = at_;
    std::string name;
    if (at_ < pattern_.size() && pattern_[at_] == '"') {
      const std::size_t end = pattern_.find('"', at_ + 1);
      if (end == std::string_view::npos) throw PatternError(begin, "'\"' is not closed");
      name = pattern_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else {
      while (at_ < pattern_.size() && isOfName(pattern_[at_], at_ == begin))
        name += pattern_[at_++];
    }
    if (name.empty()) throw PatternError(begin - 1, "a name is missing");
    return name;
  }

  static bool isOfName(char letter, bool first) {
    return sluice::detail::isAlpha(letter) || letter == '_' || letter == '$' ||
           static_cast<unsigned char>(letter) >= 0x80 ||
           (!first && sluice::detail::isDigit(letter));
  }

  static void add(PatternTokens& variant, const PatternToken& token, std::size_t position) {
    if (token.kind != PatternToken::Kind::text) {
      if (!variant.empty() && variant.back().kind != PatternToken::Kind::text) {
        throw PatternError(position, "\"" + token.value + "\" needs text before it");
      }
      std::size_t names = 0;
      for (const PatternToken& other : variant) {
        if (other.kind == PatternToken::Kind::text) continue;
        if (other.value == token.value)
          throw PatternError(position, "\"" + token.value + "\" is named twice");
        ++names;
      }
      if (names == maxParams) throw PatternError(position, "there are too many names");
    } else if (!variant.empty() && variant.back().kind == PatternToken::Kind::text) {
      if (variant.back().value.ends_with('/') && token.value.starts_with('/')) {
        throw PatternError(position, "\"//\" matches no path, repeated slashes are one");
      }
      variant.back().value += token.value;
      return;
    }
    variant.push_back(token);
  }

  void finish(PatternTokens& variant) const {
    if (!variant.empty() && (variant.front().kind != PatternToken::Kind::text ||
                             !variant.front().value.starts_with('/'))) {
      throw PatternError(0, "a pattern begins with '/', also without its optional groups,");
    }
    if (pattern_.ends_with('/')) {
      variant.back().value.pop_back();
      if (variant.back().value.empty()) variant.pop_back();
    }
    separate(variant);
  }

  // As path-to-regexp 8 separates values: a name takes no text that stands before it since another
  // name of its segment, and before a wildcard of its segment none that follows it. A wildcard
  // takes no text that stands before it since another one, unless all of it is one segment.
  static void separate(PatternTokens& variant) {
    using Kind = PatternToken::Kind;
    using Unless = PatternToken::Unless;
    std::string before, sinceWildcard;
    bool params = false, wildcards = false;  // earlier ones of this segment
    Kind last = Kind::text;
    for (auto token = variant.begin(); token != variant.end(); ++token) {
      if (token->kind == Kind::text) {
        before = token->value;
        if (last == Kind::wildcard) sinceWildcard += before;
        if (before.find('/') != std::string::npos) params = wildcards = false;
        continue;
      }
      last = token->kind;
      if (wildcards) {
        token->without = before;
      } else if (token->kind == Kind::wildcard) {
        token->without = sinceWildcard;
        token->unless = Unless::oneSegment;
      } else if (wildcardFollows(token + 1, variant.end())) {
        token->without = (token + 1)->value;
      } else if (params) {
        token->without = before;
        token->unless = Unless::itself;
      }
      if (token->kind == Kind::wildcard) sinceWildcard.clear();
      (token->kind == Kind::wildcard ? wildcards : params) = true;
    }
  }

  // In the segment that `from` is in.
  static bool wildcardFollows(PatternTokens::const_iterator from,
                              PatternTokens::const_iterator end) {
    for (; from != end; ++from) {
      if (from->kind == PatternToken::Kind::wildcard) return true;
      const bool text = from->kind == PatternToken::Kind::text;
      if (text && from->value.find('/') != std::string::npos) return false;
    }
    return false;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

SLUICE_DECL std::vector<PatternTokens> parsePattern(std::string_view pattern) {
  return PatternReader(pattern).read();
}

SLUICE_DECL PatternTokens joined(const PatternTokens& prefix, const PatternTokens& rest) {
  PatternTokens all = prefix;
  for (const PatternToken& token : rest) {
    const bool text = token.kind == PatternToken::Kind::text;
    if (text && !all.empty() && all.back().kind == PatternToken::Kind::text) {
      all.back().value += token.value;
      continue;
    }
    if (!text) {
      for (const PatternToken& other : prefix) {
        if (other.kind != PatternToken::Kind::text && other.value == token.value) {
          throw PatternError(0, "\"" + token.value + "\" is a name of the prefix already,");
        }
      }
    }
    all.push_back(token);
  }
  if (std::count_if(all.begin(), all.end(), [](const PatternToken& token) {
        return token.kind != PatternToken::Kind::text;
      }) > static_cast<std::ptrdiff_t>(maxParams)) {
    throw PatternError(0, "there are too many names");
  }
  return all;
}

}  // namespace sluice::app::detail
