// SPDX-License-Identifier: BSL-1.0
//
// One part of a multipart form while it arrives.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_FORM_PART_HPP
#define SLUICE_WEB_APP_FORM_PART_HPP

#include <optional>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>

namespace sluice::app {

namespace detail {
class MultipartReader;
}

class Request;

/// A field or a file of Request::parts(), lent until the function that got it returns. It can be
/// piped.
///
///     co_await req.parts([&](app::FormPart& part) -> task<> {
///       if (part.isFile()) co_await pipe(part, file);
///     });
class FormPart {
 public:
  FormPart(const FormPart&) = delete;
  FormPart& operator=(const FormPart&) = delete;

  /// The name of the form's field.
  const std::string& name() const { return name_; }
  /// Whether it is the content of a file, as opposed to a value.
  bool isFile() const { return isFile_; }
  /// What the client calls the file, without folders; "" if it has no name. May be anything.
  const std::string& filename() const { return filename_; }
  /// What the client says that it is; "" if it says nothing.
  std::string_view contentType() const { return header("content-type"); }
  /// A field of the part's own header; "" if it is not there.
  std::string_view header(std::string_view name) const;

  /// The next piece of its content, valid until the next read; nullopt at its end.
  ///
  /// throws  HttpError 400 if the body is malformed or ends early; what Request::read() throws
  task<std::optional<std::string_view>> read();
  /// All that is left of its content.
  ///
  /// throws  as read(); HttpError 413 past FormLimits::partSize
  task<std::string> text();

 private:
  friend class Request;

  explicit FormPart(detail::MultipartReader& reader);

  detail::MultipartReader* reader_;
  std::string header_;
  std::string name_, filename_;
  bool isFile_ = false;
};

}  // namespace sluice::app

#endif
