// SPDX-License-Identifier: BSL-1.0
//
// The patterns of routes, as Express 5 writes them: text, `:name`, `*name` and optional groups in
// braces. A pattern with groups stands for several plain ones.
#pragma once

#include <cstddef>
#include <sluice/web/app/config.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app::detail {

/// A piece of a pattern.
struct PatternToken {
  enum class Kind { text, param, wildcard };
  /// Which values may have the text of `without` in them all the same.
  enum class Unless { never, itself, oneSegment };

  Kind kind;
  std::string value;  // the text, or the name
  // What a value of this name does not contain: the text that separates it from another one.
  std::string without = {};
  Unless unless = Unless::never;
};

/// One way to read a pattern: what a path must look like from its first byte to its last.
using PatternTokens = std::vector<PatternToken>;

/// What is wrong with a pattern, and where.
class PatternError : public std::invalid_argument {
 public:
  PatternError(std::size_t position, const std::string& reason)
      : std::invalid_argument(reason + " at " + std::to_string(position)) {}
};

/// How many names a pattern may have.
inline constexpr std::size_t maxParams = 16;
/// How many plain patterns the groups of one may make.
inline constexpr std::size_t maxVariants = 64;

/// Every plain pattern that `pattern` stands for: with a group before without it, as path-to-regexp
/// 8 tries them. A slash that `pattern` ends in means nothing, and is dropped.
///
/// throws  PatternError
std::vector<PatternTokens> parsePattern(std::string_view pattern);

/// `prefix` and then `rest`, as a router that is mounted below a prefix has it.
PatternTokens joined(const PatternTokens& prefix, const PatternTokens& rest);

}  // namespace sluice::app::detail
