// SPDX-License-Identifier: BSL-1.0
//
// Media types: names for them, and what an Accept header says about them.
#pragma once

#include <cstddef>
#include <optional>
#include <sluice/detail/ascii.hpp>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>

namespace sluice::app::detail {

using sluice::detail::equalIgnoreCase, sluice::detail::trimBlanks;

/// What a backslash is in quotes: in a tag, RFC 9110 §8.8.3, a character like others.
enum class Backslash : bool { escapes, isPlain };

/// Takes the next element of a comma-separated list, without the spaces around it, off the front of
/// `list`. Commas in quotes do not count. Elements may be empty.
std::string_view takeElement(std::string_view& list, char separator = ',',
                             Backslash backslash = Backslash::escapes);

/// The media type for the end of a file's name: "html" is "text/html; charset=utf-8". Empty if it
/// is not known.
std::string_view mediaTypeOf(std::string_view extension);

/// "json" and "text/html; charset=utf-8" as "application/json" and "text/html".
std::string_view plainMediaType(std::string_view nameOrType);

/// Whether `type` is of `range`: "text/plain" is of "text/*" and of "*/*". Both are plain.
bool matchesMediaRange(std::string_view range, std::string_view type);

/// The value of a parameter of a header field, without its quotes: `name` of
/// `form-data; name="a \"b\""`.
std::optional<std::string> parameterOf(std::string_view field, std::string_view name);

/// How an Accept header likes a type.
struct Liking {
  int quality = 0;        // 0 to 1000; 0: not at all
  int closeness = 0;      // how closely a range names it: the type counts most, parameters least
  std::size_t place = 0;  // of that range in the header

  /// false: alike, or less.
  bool isMoreThan(const Liking& other) const {
    if (quality != other.quality) return quality > other.quality;
    if (closeness != other.closeness) return closeness > other.closeness;
    return place < other.place;
  }
};

/// By the range that names `type` most closely (RFC 9110 §12.5.1), as npm's negotiator has it. A
/// range with parameters is for types that have them too.
Liking likingOf(std::string_view accept, std::string_view type);

/// The "q" of a parameter list as thousandths; 1000 if there is none or it is malformed.
int qualityOf(std::string_view parameters);

}  // namespace sluice::app::detail
