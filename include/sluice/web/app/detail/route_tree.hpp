// SPDX-License-Identifier: BSL-1.0
//
// A radix tree of patterns. Text is compared before a `:name` is tried, and a `:name` before a
// `*name`, so the most specific pattern wins whatever the order in which they were added.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sluice/detail/ascii.hpp>
#include <sluice/web/app/detail/pattern.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app::detail {

/// Where in a path the value of a name is. Not set to 0: every request has room for many.
struct Capture {
  std::uint32_t at, size;
};
using Captures = std::array<Capture, maxParams>;

/// Maps patterns to numbers. Looking one up allocates nothing.
class RouteTree {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// What became of a search: a pattern was accepted, or none that matches, or there may be one.
  enum class Search { accepted, ended, givenUp };

  /// caseSensitive  whether letters of ASCII match only themselves
  explicit RouteTree(bool caseSensitive) : caseSensitive_(caseSensitive) {}

  /// The number of a pattern: the one it has already, or else `number`. Names do not count.
  std::size_t add(const PatternTokens& tokens, std::size_t number);

  /// Calls `accept(number, count, end)` for every pattern that `path` matches, best first, until it
  /// returns true. `captures` holds `count` values then.
  ///
  /// A path that would need an unreasonable number of attempts is given up.
  template <class Accept>
  Search match(std::string_view path, Captures& captures, Accept&& accept) const {
    return Walk<Accept>{path, captures, accept, false, caseSensitive_}.search(root_);
  }
  /// The same, but the pattern may also end before a slash of the path.
  template <class Accept>
  Search matchPrefix(std::string_view path, Captures& captures, Accept&& accept) const {
    return Walk<Accept>{path, captures, accept, true, caseSensitive_}.search(root_);
  }

 private:
  /// What a value may not contain.
  struct Rule {
    std::size_t index;
    std::string without;  // in lower case if case does not count
    PatternToken::Unless unless;
  };

  struct Node {
    std::string text;    // in lower case if case does not count
    std::string firsts;  // the first bytes of the children
    std::vector<std::unique_ptr<Node>> children;
    std::unique_ptr<Node> param, wildcard;
    std::size_t number = none;
    std::vector<Rule> rules;  // of the pattern that ends here

    // Whether a value that ends before this node may end within a segment.
    bool endsInside() const {
      return firsts.size() > 1 || (firsts.size() == 1 && firsts[0] != '/');
    }
  };

  template <class Accept>
  struct Walk {
    std::string_view path;
    Captures& captures;
    Accept& accept;
    bool prefix;
    bool caseSensitive;
    int attempts = 4096;
    // To look at so many places in a value is an attempt too.
    static constexpr std::size_t placesOfAttempt = 64;

    Search search(const Node& root) {
      if (visit(root, 0, 0)) return Search::accepted;
      return attempts > 0 ? Search::ended : Search::givenUp;
    }

    bool visit(const Node& node, std::size_t at, std::size_t count) {
      if (--attempts < 0) return false;
      if (at < path.size()) {
        if (visitText(node, at, count)) return true;
        if (node.param && visitParam(*node.param, at, count)) return true;
        if (node.wildcard && visitWildcard(*node.wildcard, at, count)) return true;
      }
      return node.number != none && endsAt(at) && fits(node) && accept(node.number, count, at);
    }

    bool fits(const Node& node) {
      for (const Rule& rule : node.rules) {
        if (!fits(rule, captures[rule.index])) return false;
      }
      return true;
    }

    bool fits(const Rule& rule, const Capture& capture) {
      using Unless = PatternToken::Unless;
      const std::string_view value = path.substr(capture.at, capture.size);
      if (rule.unless == Unless::itself && matches(value, rule.without)) return true;
      if (rule.unless == Unless::oneSegment && value.find('/') == std::string_view::npos)
        return true;
      for (std::size_t at = 0; at < value.size(); ++at) {
        if (at % placesOfAttempt == placesOfAttempt - 1 && --attempts < 0) return false;
        if (matches(path.substr(capture.at + at, rule.without.size()), rule.without)) return false;
      }
      return true;
    }

    bool endsAt(std::size_t at) const {
      if (at == path.size()) return true;
      return path[at] == '/' && (prefix || at + 1 == path.size());
    }

    bool visitText(const Node& node, std::size_t at, std::size_t count) {
      const char first = caseSensitive ? path[at] : sluice::detail::toLower(path[at]);
      const std::size_t index = node.firsts.find(first);
      if (index == std::string::npos) return false;
      const Node& child = *node.children[index];
      const std::string_view text = path.substr(at, child.text.size());
      return matches(text, child.text) && visit(child, at + child.text.size(), count);
    }

    bool matches(std::string_view text, std::string_view wanted) const {
      if (caseSensitive || text.size() != wanted.size()) return text == wanted;
      for (std::size_t at = 0; at < text.size(); ++at) {
        if (sluice::detail::toLower(text[at]) != wanted[at]) return false;
      }
      return true;
    }

    bool visitParam(const Node& node, std::size_t at, std::size_t count) {
      const std::size_t slash = path.find('/', at);
      const std::size_t end = slash == std::string_view::npos ? path.size() : slash;
      if (end == at) return false;
      // Text within the segment says more than a name for all of it.
      if (node.endsInside() && visitValue(node, at, end - 1, at + 1, count)) return true;
      return visitValue(node, at, end, end, count);
    }

    bool visitWildcard(const Node& node, std::size_t at, std::size_t count) {
      const bool last = node.children.empty() && !prefix;
      // A slash at the end is part of a value that may have it.
      const std::size_t end = path.ends_with('/') ? path.size() - 1 : path.size();
      return visitValue(node, at, path.size(), last ? std::max(end, at + 1) : at + 1, count);
    }

    bool mayEnd(const Node& node, std::size_t end) const {
      if (end == path.size() || path[end] == '/') return true;
      const char next = caseSensitive ? path[end] : sluice::detail::toLower(path[end]);
      return node.firsts.find(next) != std::string::npos;
    }

    // A value takes as much as it can. Only text follows it.
    bool visitValue(const Node& node, std::size_t at, std::size_t most, std::size_t least,
                    std::size_t count) {
      for (std::size_t end = most; end >= least && attempts > 0; --end) {
        if (end % placesOfAttempt == 0) --attempts;
        if (!mayEnd(node, end)) continue;
        captures[count] = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end - at)};
        if (visit(node, end, count + 1)) return true;
      }
      return false;
    }
  };

  Node& insert(Node& node, std::string_view text);

  Node root_;
  bool caseSensitive_;
};

}  // namespace sluice::app::detail
