// SPDX-License-Identifier: BSL-1.0
//
// What a request's target names: a decoded, normalised path and a query. Routes and files are
// looked up by it, so nothing that leads out of a folder survives here.
#pragma once

#include <cstddef>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>

namespace sluice::app::detail {

/// Appends `text` without its percent-encoding; false if an escape is malformed.
///
/// plus  also turns '+' into a space, as forms and queries write it
bool appendDecoded(std::string& out, std::string_view text, bool plus = false);

/// The same as URLSearchParams has it: '+' is a space, and a malformed escape stands for itself.
void appendLeniently(std::string& out, std::string_view text);

/// `text` as one part of a path or query: everything but RFC 3986's unreserved characters is
/// escaped.
std::string percentEncoded(std::string_view text);

/// The path of a target.
///
/// "." and ".." are resolved and repeated slashes are one, so `//a/%2e%2e/b` is `/b`. An encoded
/// slash does not separate segments. Refused are malformed escapes, bytes that are not UTF-8, NUL,
/// and dot segments beside an encoded slash or a backslash, which a file system might follow.
class TargetPath {
 public:
  /// Views stay valid as long as `target` does and this is not assigned again.
  ///
  /// false  the target is refused; every view is empty
  bool assign(std::string_view target);

  /// The path in plain text.
  std::string_view decoded() const { return decoded_; }
  /// The same, byte for byte, but an encoded slash is `encodedSlash` here.
  std::string_view segments() const { return segments_; }
  /// What follows the '?', as it was sent.
  std::string_view query() const { return query_; }

  /// A byte that UTF-8 never has.
  static constexpr char encodedSlash = '\xFF';

 private:
  bool normalise(std::string_view path);
  bool addSegment(std::string_view raw);

  std::string_view decoded_, segments_, query_;
  std::string segmentsText_, decodedText_;
};

}  // namespace sluice::app::detail
