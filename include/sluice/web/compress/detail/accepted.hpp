// SPDX-License-Identifier: BSL-1.0
//
// What the headers of a request and a response say about codings. Pure: texts in, decisions out.
#pragma once

#include <array>
#include <optional>
#include <sluice/web/compress/coding.hpp>
#include <span>
#include <string>
#include <string_view>

namespace sluice::compress::detail {

/// The lines of Accept-Encoding, RFC 9110 12.5.3. Weights are in thousandths.
class Accepted {
 public:
  /// Adds one line.
  void add(std::string_view line);

  /// The coding with the highest weight, the first of equal ones. nullopt: none of them, not even
  /// identity.
  std::optional<Coding> choose(std::span<const Coding> from) const;
  /// The client refuses a body that is not encoded.
  bool refusesIdentity() const { return weight(Coding::identity) == 0; }

 private:
  static constexpr int unset = -1;

  int weight(Coding coding) const;

  std::array<int, 5> weights_ = {unset, unset, unset, unset, unset};
  int others_ = unset;  // of "*"
};

/// A coding by its name in a header, in any case; nullopt if it is unknown.
std::optional<Coding> codingNamed(std::string_view name);

/// The default of Options::compressible.
bool isCompressible(std::string_view contentType);

}  // namespace sluice::compress::detail
