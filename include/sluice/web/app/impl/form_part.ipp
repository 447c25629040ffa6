// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/form_part.hpp>, and of what a request does with forms.
#pragma once

#include <sluice/error.hpp>
#include <sluice/web/app/detail/multipart_reader.hpp>
#include <sluice/web/app/detail/negotiation.hpp>
#include <sluice/web/app/detail/target_path.hpp>
#include <sluice/web/app/form.hpp>
#include <sluice/web/app/form_part.hpp>
#include <sluice/web/app/http_error.hpp>
#include <sluice/web/app/request.hpp>
#include <utility>

namespace sluice::app {

SLUICE_DECL FormPart::FormPart(detail::MultipartReader& reader)
    : reader_(&reader), header_(reader.header()) {
  const std::string_view disposition = header("content-disposition");
  auto name = detail::parameterOf(disposition, "name");
  if (!name) throw HttpError{400, "a part of the form has no name"};
  name_ = std::move(*name);
  isFile_ = detail::parameterOf(disposition, "filename").has_value() ||
            detail::parameterOf(disposition, "filename*").has_value();
  filename_ = detail::fileNameOf(disposition);
  if (std::max(name_.size(), filename_.size()) > reader.limits().name) throw HttpError{413};
}

SLUICE_DECL std::string_view FormPart::header(std::string_view name) const {
  std::string_view lines = header_;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (detail::equalIgnoreCase(line.substr(0, colon), name)) {
      return detail::trimBlanks(line.substr(colon + 1));
    }
  }
  return {};
}

SLUICE_DECL task<std::optional<std::string_view>> FormPart::read() { return reader_->read(); }

SLUICE_DECL task<std::string> FormPart::text() {
  std::string all;
  while (auto piece = co_await read()) {
    if (piece->size() > reader_->limits().partSize - all.size()) throw HttpError{413};
    all += *piece;
  }
  co_return all;
}

SLUICE_DECL task<> Request::parts(std::function<task<>(FormPart&)> each, FormLimits limits) {
  detail::MultipartReader reader(*this, limits, static_cast<std::size_t>(-1));
  while (true) {
    const bool more = co_await reader.nextPart();
    if (!more) co_return;
    FormPart part(reader);
    co_await each(part);
  }
}

namespace detail {

inline Form parseUrlencoded(std::string_view text, const FormLimits& limits) {
  Form form;
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    FormField field;
    const bool valid =
        appendDecoded(field.name, pair.substr(0, equals), true) &&
        appendDecoded(field.value, pair.substr(std::min(equals + 1, pair.size())), true);
    if (!valid) throw HttpError{400, "the form is malformed"};
    if (++count > limits.parts || field.name.size() > limits.name ||
        field.value.size() > limits.partSize)
      throw HttpError{413};
    detail::FormAccess::add(form, std::move(field));
  }
  return form;
}

}  // namespace detail

SLUICE_DECL task<Form> Request::form(FormLimits limits) {
  if (is("application/x-www-form-urlencoded")) {
    std::string text;
    while (auto piece = co_await read()) {
      if (piece->size() > limits.size - text.size()) throw HttpError{413};
      text += *piece;
    }
    co_return detail::parseUrlencoded(text, limits);
  }
  Form form;
  detail::MultipartReader reader(*this, limits, limits.size);
  while (true) {
    const bool more = co_await reader.nextPart();
    if (!more) break;
    FormPart part(reader);
    std::string content = co_await part.text();
    if (!part.isFile()) {
      detail::FormAccess::add(form, FormField{part.name(), std::move(content)});
    } else if (!part.filename().empty() || !content.empty()) {  // Else no file was chosen.
      detail::FormAccess::add(form, FormFile{part.name(), part.filename(),
                                             std::string(part.contentType()), std::move(content)});
    }
  }
  co_return form;
}

}  // namespace sluice::app
