// SPDX-License-Identifier: BSL-1.0
//
// The first argument of a route: a pattern, and the place in the program that names it.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_PATTERN_HPP
#define SLUICE_WEB_APP_PATTERN_HPP

#include <concepts>
#include <sluice/web/app/config.hpp>
#include <source_location>
#include <string_view>

namespace sluice::app {

/// A pattern of Express 5, made of any text: `/users/:id`, `/files/*path`, `/a{/:b}`.
///
/// `:name` is one segment or a part of it, `*name` is everything that follows, slashes included,
/// and braces hold what may be missing. `\` makes the next character ordinary text. A slash at the
/// end makes no difference.
class Pattern {
 public:
  template <std::convertible_to<std::string_view> Text>
  Pattern(const Text& text, std::source_location where = std::source_location::current())
      : text_(text), where_(where) {}

  /// The pattern, as it was written. A view: what it was made from must still live.
  std::string_view text() const { return text_; }
  /// Where in the program it was written.
  const std::source_location& where() const { return where_; }

 private:
  std::string_view text_;
  std::source_location where_;
};

}  // namespace sluice::app

#endif
