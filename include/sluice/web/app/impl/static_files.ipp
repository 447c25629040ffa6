// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/static_files.hpp>.
#pragma once

#include <optional>
#include <sluice/web/app/detail/file_sending.hpp>
#include <sluice/web/app/detail/target_path.hpp>
#include <sluice/web/app/detail/windows_name.hpp>
#include <sluice/web/app/http_error.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/response.hpp>
#include <sluice/web/app/static_files.hpp>
#include <system_error>
#include <utility>

namespace sluice::app {

namespace detail {

enum class PathVerdict { fine, dotfile, impossible };

#if defined(_WIN32)
inline constexpr bool onWindows = true;
#else
inline constexpr bool onWindows = false;
#endif

// Whether a decoded path can name a file. One with an encoded slash or a backslash cannot.
inline PathVerdict judgePath(std::string_view segments) {
  constexpr std::string_view never("\xFF\\\0", 3);
  if (segments.find_first_of(never) != std::string_view::npos) return PathVerdict::impossible;
  PathVerdict verdict = PathVerdict::fine;
  while (!segments.empty()) {
    const std::size_t end = std::min(segments.find('/'), segments.size());
    const std::string_view part = segments.substr(0, end);
    segments.remove_prefix(std::min(end + 1, segments.size()));
    if (part == "." || part == "..") return PathVerdict::impossible;
    if (onWindows && isOtherNameOnWindows(part)) return PathVerdict::impossible;
    if (part.starts_with('.')) verdict = PathVerdict::dotfile;
  }
  return verdict;
}

inline std::filesystem::path realFolder(const std::filesystem::path& root) {
  std::error_code ec;
  std::filesystem::path real = realPath(root, ec);
  if (ec) throw std::filesystem::filesystem_error("staticFiles()", root, ec);
  return real;
}

// A reference to the folder that `path` names, from the root of the server. It never begins with
// two slashes, which would name another host.
inline std::string folderUrl(std::string_view segments, std::string_view query) {
  std::string url;
  for (const char& letter : segments) {
    if (letter == '/')
      url += letter;
    else if (letter == TargetPath::encodedSlash)
      url += "%2F";
    else
      url += percentEncoded({&letter, 1});
  }
  url += '/';
  if (!query.empty()) url.append("?").append(query);
  return url;
}

}  // namespace detail

SLUICE_DECL StaticFiles::StaticFiles(const std::filesystem::path& root, StaticOptions options)
    : settings_(
          std::make_shared<Settings>(Settings{detail::realFolder(root), std::move(options)})) {}

SLUICE_DECL task<> StaticFiles::operator()(Request& req, Response& res, Next next) const {
  return serve(settings_, req, res, next);
}

SLUICE_DECL task<> StaticFiles::serve(std::shared_ptr<const Settings> settings, Request& req,
                                      Response& res, Next next) {
  using Kind = detail::FoundFile::Kind;
  const StaticOptions& options = settings->options;
  const std::string_view all = detail::RequestAccess::routing(req).path.segments();
  const std::string_view segments = all.substr(std::min(req.basePath().size(), all.size()));
  detail::PathVerdict verdict = detail::judgePath(segments);
  if (verdict == detail::PathVerdict::dotfile) {
    if (options.dotfiles == Dotfiles::deny) throw HttpError{403};
    if (options.dotfiles == Dotfiles::allow) verdict = detail::PathVerdict::fine;
  }
  const bool reads = req.method() == "GET" || req.method() == "HEAD";
  detail::FoundFile found;
  // Without a slash after the prefix of use(), relative links would lead out of the folder.
  const bool asksForFolder = segments.ends_with('/') || (segments.empty() && !options.redirect);
  if (reads && verdict == detail::PathVerdict::fine) {
    detail::FileQuery query;
    query.root = settings->root;
    const std::string_view name =
        segments.substr(std::min(segments.find_first_not_of('/'), segments.size()));
    // char8_t says that these bytes are UTF-8; on Windows char would be of the code page.
    query.path = settings->root / std::u8string(name.begin(), name.end());
    if (asksForFolder) query.index = options.index;
    query.precompressed = options.precompressed;
    query.acceptEncoding = req.headers()["accept-encoding"];
    found = co_await detail::findFile(res, query);
  }
  if (found.kind == Kind::file) {
    SendFileOptions sending;
    sending.cacheControl = options.cacheControl;
    sending.maxAge = options.maxAge;
    sending.immutable = options.immutable;
    sending.etag = options.etag;
    sending.lastModified = options.lastModified;
    sending.ranges = options.ranges;
    co_await detail::sendFound(res, std::move(found), sending);
    co_return;
  }
  if (found.kind == Kind::folder && !asksForFolder && options.redirect) {
    const std::string url =
        detail::folderUrl(all, detail::RequestAccess::routing(req).path.query());
    co_await res.redirect(url, 301);
    co_return;
  }
  if (found.kind == Kind::forbidden) throw HttpError{403};
  if (!options.fallthrough && reads) throw HttpError{404};
  co_await next();
}

}  // namespace sluice::app
