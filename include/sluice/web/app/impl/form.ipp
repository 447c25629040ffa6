// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/form.hpp>.
#pragma once

#include <sluice/web/app/form.hpp>

namespace sluice::app {

SLUICE_DECL std::optional<std::string_view> Form::get(std::string_view name) const {
  for (const FormField& field : fields_) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

SLUICE_DECL std::vector<std::string_view> Form::getAll(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const FormField& field : fields_) {
    if (field.name == name) values.push_back(field.value);
  }
  return values;
}

SLUICE_DECL const FormFile* Form::file(std::string_view name) const {
  for (const FormFile& file : files_) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

}  // namespace sluice::app
