// SPDX-License-Identifier: BSL-1.0
//
// How large a submitted form may be.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_FORM_LIMITS_HPP
#define SLUICE_WEB_APP_FORM_LIMITS_HPP

#include <cstddef>
#include <sluice/web/app/config.hpp>

namespace sluice::app {

/// Limits of Request::form() and parts(), in bytes unless said otherwise. What is larger is
/// answered 413. 0 means that nothing is accepted, `http::unlimited` means no limit.
struct FormLimits {
  /// The whole body that form() takes; parts() does not look at it.
  std::size_t size = 16 * 1024 * 1024;
  /// How many fields and files.
  std::size_t parts = 1000;
  /// One field, or one file that form() keeps in memory or FormPart::text() reads.
  std::size_t partSize = 8 * 1024 * 1024;
  /// The header of one part.
  std::size_t headers = 8 * 1024;
  /// The name of one field, or of one file.
  std::size_t name = 1024;
};

}  // namespace sluice::app

#endif
