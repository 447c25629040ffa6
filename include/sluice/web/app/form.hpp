// SPDX-License-Identifier: BSL-1.0
//
// A submitted form: its fields and its files, all in memory.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_FORM_HPP
#define SLUICE_WEB_APP_FORM_HPP

#include <optional>
#include <sluice/web/app/config.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::app {

namespace detail {
struct FormAccess;
}

/// A field that is not a file.
struct FormField {
  /// The name of the field.
  std::string name;
  /// Its text, decoded.
  std::string value;
};

/// An uploaded file. Its name and type are what the client says, and may be anything; the name has
/// no folders.
struct FormFile {
  /// The name of the field.
  std::string name;
  /// The name of the file, as the client says it, without folders.
  std::string filename;
  /// What the client says; not checked.
  std::string contentType;
  /// The bytes of the file.
  std::string content;
};

/// What Request::form() brings.
///
///     const app::Form form = co_await req.form();
///     save(form["title"], form.file("picture"));
class Form {
 public:
  /// The first value of a field; nullopt if it is not there.
  std::optional<std::string_view> get(std::string_view name) const;
  /// The same, "" if it is not there.
  std::string_view operator[](std::string_view name) const { return get(name).value_or(""); }
  std::vector<std::string_view> getAll(std::string_view name) const;
  /// The first file of a field; null if none was chosen.
  const FormFile* file(std::string_view name) const;

  /// In the order in which they were sent.
  const std::vector<FormField>& fields() const { return fields_; }
  const std::vector<FormFile>& files() const { return files_; }

 private:
  friend struct detail::FormAccess;

  std::vector<FormField> fields_;
  std::vector<FormFile> files_;
};

namespace detail {

/// How the library makes a Form.
struct FormAccess {
  static void add(Form& form, FormField field) { form.fields_.push_back(std::move(field)); }
  static void add(Form& form, FormFile file) { form.files_.push_back(std::move(file)); }
};

}  // namespace detail

}  // namespace sluice::app

#endif
