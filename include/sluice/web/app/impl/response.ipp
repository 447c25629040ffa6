// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/response.hpp>.
#pragma once

#include <sluice/error.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/http/server.hpp>
#include <sluice/web/app/detail/cookie_line.hpp>
#include <sluice/web/app/detail/file_sending.hpp>
#include <sluice/web/app/detail/negotiation.hpp>
#include <sluice/web/app/detail/target_path.hpp>
#include <sluice/web/app/http_error.hpp>
#include <sluice/web/app/response.hpp>

namespace sluice::app {

SLUICE_DECL Response& Response::status(int code) {
  statusCode = code;
  return *this;
}

SLUICE_DECL Response& Response::type(std::string_view nameOrType) {
  if (nameOrType.find('/') != std::string_view::npos) return setHeader("Content-Type", nameOrType);
  const std::string_view known = detail::mediaTypeOf(nameOrType);
  if (known.empty()) {
    throw http::Error(http::errc::ERR_INVALID_ARG_VALUE,
                      "type(): \"" + std::string(nameOrType) + "\" is no name of a media type");
  }
  return setHeader("Content-Type", known);
}

SLUICE_DECL Response& Response::cookie(std::string_view name, std::string_view value,
                                       CookieOptions options) {
  return appendHeader("Set-Cookie", detail::cookieLine(name, value, options));
}

SLUICE_DECL Response& Response::clearCookie(std::string_view name, CookieOptions options) {
  options.maxAge = std::chrono::seconds(0);
  options.expires = std::chrono::system_clock::time_point();
  return cookie(name, "", options);
}

SLUICE_DECL WriteResult Response::json(std::string text) {
  if (!hasHeader("Content-Type")) setHeader("Content-Type", "application/json");
  return end(std::move(text));
}

SLUICE_DECL WriteResult Response::html(std::string_view text) {
  if (!hasHeader("Content-Type")) setHeader("Content-Type", "text/html; charset=utf-8");
  return end(text);
}

SLUICE_DECL WriteResult Response::text(std::string_view text) {
  if (!hasHeader("Content-Type")) setHeader("Content-Type", "text/plain; charset=utf-8");
  return end(text);
}

SLUICE_DECL WriteResult Response::redirect(std::string_view url, int status) {
  if (status < 300 || status > 399 || status == 304) {
    throw http::Error(http::errc::ERR_INVALID_ARG_VALUE,
                      "redirect(): " + std::to_string(status) + " is no redirect");
  }
  std::string location;
  for (const char& letter : url) {
    const bool plain = letter > ' ' && letter < 0x7F && letter != '"' && letter != '<' &&
                       letter != '>' && letter != '\\' && letter != '^' && letter != '`' &&
                       letter != '{' && letter != '|' && letter != '}';
    if (plain)
      location += letter;
    else
      location += detail::percentEncoded({&letter, 1});
  }
  setHeader("Location", location);
  statusCode = status;
  return end();
}

namespace detail {

inline task<> sendPath(Response& res, FileQuery query, SendFileOptions options) {
  FoundFile found = co_await findFile(res, query);
  if (found.kind == FoundFile::Kind::forbidden) throw HttpError{403};
  if (found.kind != FoundFile::Kind::file) throw HttpError{404};
  co_await sendFound(res, std::move(found), options);
}

}  // namespace detail

SLUICE_DECL task<> Response::sendFile(const std::filesystem::path& path, SendFileOptions options) {
  detail::FileQuery query;
  query.path = path;
  query.precompressed = options.precompressed;
  query.acceptEncoding = req().headers()["accept-encoding"];
  return detail::sendPath(*this, std::move(query), options);
}

SLUICE_DECL EventStream Response::events(EventStreamOptions options) {
  return EventStream(*this, options);
}

}  // namespace sluice::app
