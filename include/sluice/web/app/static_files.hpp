// SPDX-License-Identifier: BSL-1.0
//
// Serves the files of a folder.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_STATIC_FILES_HPP
#define SLUICE_WEB_APP_STATIC_FILES_HPP

#include <chrono>
#include <filesystem>
#include <memory>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string>

namespace sluice::app {

/// What becomes of a path with a part that begins with a dot. ignore: as if it were not there.
enum class Dotfiles { ignore, deny, allow };

/// Options of staticFiles(). Those with the same name as in SendFileOptions mean the same.
struct StaticOptions {
  /// Sent for a folder. Empty: nothing is.
  std::string index = "index.html";
  /// Sends a client that asks for `/folder` to `/folder/`, so that relative links work.
  bool redirect = true;
  Dotfiles dotfiles = Dotfiles::ignore;
  /// What is not there is left to the next step; false: 404 right away.
  bool fallthrough = true;
  std::string cacheControl = {};
  std::chrono::seconds maxAge = std::chrono::seconds(0);
  bool immutable = false;
  bool precompressed = true;
  bool etag = true;
  bool lastModified = true;
  bool ranges = true;
};

/// A middleware that answers GET and HEAD with the files below a folder.
///
///     router.use("/assets", app::staticFiles("public", {.maxAge = 1h}));
///
/// The prefix of use() is not part of the file's name. Nothing outside of the folder is sent,
/// whatever the path says and wherever symbolic links lead.
class StaticFiles {
 public:
  StaticFiles(const std::filesystem::path& root, StaticOptions options);

  // There is no moved-from one: moving copies.
  StaticFiles(const StaticFiles&) = default;
  StaticFiles& operator=(const StaticFiles&) = default;

  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

 private:
  struct Settings {
    std::filesystem::path root;
    StaticOptions options;
  };
  static task<> serve(std::shared_ptr<const Settings> settings, Request& req, Response& res,
                      Next next);

  std::shared_ptr<const Settings> settings_;
};

/// throws  std::filesystem::filesystem_error if there is no such folder
inline StaticFiles staticFiles(const std::filesystem::path& root, StaticOptions options = {}) {
  return StaticFiles(root, std::move(options));
}

}  // namespace sluice::app

#endif
