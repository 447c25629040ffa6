// SPDX-License-Identifier: BSL-1.0
//
// Reads a multipart body piece by piece (RFC 2046 §5.1, RFC 7578). Pure: bytes in, parts out; it
// keeps no more than a boundary and the header of one part.
#pragma once

#include <cstddef>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>

namespace sluice::app::detail {

/// The boundary of a Content-Type; "" if it has none that is allowed.
std::string boundaryOf(std::string_view contentType);

/// The last part of the path that some browsers send as the name of a file; "" if there is none,
/// and for one that names a folder or holds NUL.
std::string fileNameOf(std::string_view disposition);

class MultipartParser {
 public:
  enum class Event {
    needMore,  // give it more bytes
    part,      // a part begins; header() is its header
    data,      // data() is a piece of its content
    partEnd,   // the part has ended
    end,       // the last part has ended, and nothing that follows counts
    failed,    // this is no multipart body
    tooLarge,  // the header of a part is larger than the limit
  };

  MultipartParser(std::string_view boundary, std::size_t maxHeader)
      : delimiter_("\r\n--" + std::string(boundary)), maxHeader_(maxHeader) {}

  /// Takes what it can use off the front of `input`. To be called until it needs more.
  Event next(std::string_view& input);

  /// Lines of the part that began last, each ended by CR LF.
  std::string_view header() const { return header_; }
  /// Valid until the next call, and as long as `input` is.
  std::string_view data() const { return data_; }

 private:
  // preamble -> afterDelimiter -> header -> content -> afterDelimiter ... -> epilogue
  enum class State { preamble, afterDelimiter, header, content, epilogue, failed };

  Event readContent(std::string_view& input);
  Event readAfterDelimiter(std::string_view& input);
  Event readHeader(std::string_view& input);
  Event fail(Event reason) {
    state_ = State::failed;
    return reason;
  }

  std::string delimiter_;
  std::size_t maxHeader_;
  State state_ = State::preamble;
  // How much of the delimiter the last bytes match. A body may begin with one, without its CR LF.
  std::size_t matched_ = 2;
  std::string tail_;  // what follows a delimiter on its line
  std::string header_;
  std::string_view data_;
};

}  // namespace sluice::app::detail
