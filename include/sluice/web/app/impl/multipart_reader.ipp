// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/multipart_reader.hpp>.
#pragma once

#include <sluice/web/app/detail/multipart_reader.hpp>
#include <sluice/web/app/http_error.hpp>
#include <sluice/web/app/request.hpp>

namespace sluice::app::detail {

inline std::string requiredBoundary(const Request& req) {
  if (!req.is("multipart/form-data")) throw HttpError{415};
  std::string boundary = boundaryOf(req.headers()["content-type"]);
  if (boundary.empty()) throw HttpError{400, "the form has no boundary"};
  return boundary;
}

SLUICE_DECL MultipartReader::MultipartReader(Request& req, const FormLimits& limits,
                                             std::size_t total)
    : req_(req), limits_(limits), left_(total), parser_(requiredBoundary(req), limits.headers) {}

SLUICE_DECL task<MultipartParser::Event> MultipartReader::nextEvent() {
  while (true) {
    const MultipartParser::Event event = parser_.next(input_);
    if (event == MultipartParser::Event::failed) throw HttpError{400, "the form is malformed"};
    if (event == MultipartParser::Event::tooLarge) throw HttpError{413};
    if (event != MultipartParser::Event::needMore) co_return event;
    const auto piece = co_await req_.read();
    if (!piece) throw HttpError{400, "the form ends early"};
    if (piece->size() > left_) throw HttpError{413};
    left_ -= piece->size();
    input_ = *piece;
  }
}

SLUICE_DECL task<bool> MultipartReader::nextPart() {
  while (true) {
    const MultipartParser::Event event = co_await nextEvent();
    inPart_ = event == MultipartParser::Event::part;
    if (inPart_) {
      if (++parts_ > limits_.parts) throw HttpError{413};
      co_return true;
    }
    if (event != MultipartParser::Event::end) continue;
    // Reads what follows the last part, so that the connection can be used again.
    while (auto rest = co_await req_.read()) {
      if (rest->size() > left_) throw HttpError{413};
      left_ -= rest->size();
    }
    co_return false;
  }
}

SLUICE_DECL task<std::optional<std::string_view>> MultipartReader::read() {
  if (!inPart_) co_return std::nullopt;
  const MultipartParser::Event event = co_await nextEvent();
  if (event == MultipartParser::Event::data) co_return parser_.data();
  inPart_ = false;
  co_return std::nullopt;
}

}  // namespace sluice::app::detail
