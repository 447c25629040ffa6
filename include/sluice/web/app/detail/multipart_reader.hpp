// SPDX-License-Identifier: BSL-1.0
//
// The parts of a request's multipart body, one after the other, read when they are asked for.
#pragma once

#include <optional>
#include <sluice/task.hpp>
#include <sluice/web/app/detail/multipart_parser.hpp>
#include <sluice/web/app/form_limits.hpp>
#include <string_view>

namespace sluice::app {
class Request;
}

namespace sluice::app::detail {

class MultipartReader {
 public:
  /// throws  HttpError 415 and 400 for a request without a multipart body
  ///
  /// total  how many bytes of body are taken; then HttpError 413
  MultipartReader(Request& req, const FormLimits& limits, std::size_t total);

  /// Goes on to the next part, past what was not read of the last one; false at the end.
  task<bool> nextPart();
  /// A piece of the part; nullopt at its end.
  task<std::optional<std::string_view>> read();

  std::string_view header() const { return parser_.header(); }
  const FormLimits& limits() const { return limits_; }

 private:
  task<MultipartParser::Event> nextEvent();

  Request& req_;
  FormLimits limits_;
  std::size_t left_;
  MultipartParser parser_;
  std::string_view input_;
  std::size_t parts_ = 0;
  bool inPart_ = false;
};

}  // namespace sluice::app::detail
