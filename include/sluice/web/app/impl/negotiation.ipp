// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/negotiation.hpp>.
#pragma once

#include <algorithm>
#include <array>
#include <sluice/web/app/detail/negotiation.hpp>
#include <utility>

namespace sluice::app::detail {

SLUICE_DECL std::string_view takeElement(std::string_view& list, char separator,
                                         Backslash backslash) {
  std::size_t end = 0;
  bool quoted = false;
  for (; end < list.size(); ++end) {
    if (list[end] == '"') quoted = !quoted;
    if (quoted && list[end] == '\\' && backslash == Backslash::escapes)
      ++end;
    else if (!quoted && list[end] == separator)
      break;
  }
  end = std::min(end, list.size());
  const std::string_view element = trimBlanks(list.substr(0, end));
  list.remove_prefix(std::min(end + 1, list.size()));
  return element;
}

// Without quotes and what escapes within them.
inline std::string plainValue(std::string_view value) {
  if (!value.starts_with('"')) return std::string(value);
  value.remove_prefix(1);
  if (value.ends_with('"')) value.remove_suffix(1);
  std::string plain;
  for (std::size_t at = 0; at < value.size(); ++at) {
    // A browser's backslash is one, but before a quote or another it is an escape.
    const bool escapes = value[at] == '\\' && at + 1 < value.size() &&
                         (value[at + 1] == '"' || value[at + 1] == '\\');
    if (escapes) ++at;
    plain += value[at];
  }
  return plain;
}

SLUICE_DECL std::optional<std::string> parameterOf(std::string_view field, std::string_view name) {
  takeElement(field, ';');
  while (!field.empty()) {
    const std::string_view parameter = takeElement(field, ';');
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (!equalIgnoreCase(trimBlanks(parameter.substr(0, equals)), name)) continue;
    return plainValue(trimBlanks(parameter.substr(equals + 1)));
  }
  return std::nullopt;
}

SLUICE_DECL std::string_view mediaTypeOf(std::string_view extension) {
  using Entry = std::pair<std::string_view, std::string_view>;
  static constexpr auto types = std::to_array<Entry>({
      {"7z", "application/x-7z-compressed"},
      {"aac", "audio/aac"},
      {"apng", "image/apng"},
      {"atom", "application/atom+xml"},
      {"avif", "image/avif"},
      {"bin", "application/octet-stream"},
      {"bmp", "image/bmp"},
      {"css", "text/css; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"doc", "application/msword"},
      {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"epub", "application/epub+zip"},
      {"flac", "audio/flac"},
      {"form", "application/x-www-form-urlencoded"},
      {"gif", "image/gif"},
      {"gz", "application/gzip"},
      {"htm", "text/html; charset=utf-8"},
      {"html", "text/html; charset=utf-8"},
      {"ico", "image/x-icon"},
      {"ics", "text/calendar; charset=utf-8"},
      {"jpeg", "image/jpeg"},
      {"jpg", "image/jpeg"},
      {"js", "text/javascript; charset=utf-8"},
      {"json", "application/json"},
      {"jsonld", "application/ld+json"},
      {"m4a", "audio/mp4"},
      {"map", "application/json"},
      {"md", "text/markdown; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"mov", "video/quicktime"},
      {"mp3", "audio/mpeg"},
      {"mp4", "video/mp4"},
      {"mpeg", "video/mpeg"},
      {"multipart", "multipart/form-data"},
      {"odt", "application/vnd.oasis.opendocument.text"},
      {"oga", "audio/ogg"},
      {"ogg", "audio/ogg"},
      {"ogv", "video/ogg"},
      {"opus", "audio/ogg"},
      {"otf", "font/otf"},
      {"pdf", "application/pdf"},
      {"png", "image/png"},
      {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
      {"rar", "application/vnd.rar"},
      {"rss", "application/rss+xml"},
      {"rtf", "application/rtf"},
      {"svg", "image/svg+xml"},
      {"tar", "application/x-tar"},
      {"text", "text/plain; charset=utf-8"},
      {"tif", "image/tiff"},
      {"tiff", "image/tiff"},
      {"ttf", "font/ttf"},
      {"txt", "text/plain; charset=utf-8"},
      {"urlencoded", "application/x-www-form-urlencoded"},
      {"vtt", "text/vtt; charset=utf-8"},
      {"wasm", "application/wasm"},
      {"wav", "audio/wav"},
      {"weba", "audio/webm"},
      {"webm", "video/webm"},
      {"webmanifest", "application/manifest+json"},
      {"webp", "image/webp"},
      {"woff", "font/woff"},
      {"woff2", "font/woff2"},
      {"xhtml", "application/xhtml+xml"},
      {"xls", "application/vnd.ms-excel"},
      {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {"xml", "application/xml"},
      {"yaml", "application/yaml"},
      {"yml", "application/yaml"},
      {"zip", "application/zip"},
      {"zst", "application/zstd"},
  });
  if (extension.starts_with('.')) extension.remove_prefix(1);
  for (const Entry& entry : types) {
    if (equalIgnoreCase(entry.first, extension)) return entry.second;
  }
  return {};
}

SLUICE_DECL std::string_view plainMediaType(std::string_view nameOrType) {
  if (nameOrType.find('/') == std::string_view::npos) {
    const std::string_view type = mediaTypeOf(nameOrType);
    if (!type.empty()) nameOrType = type;
  }
  return trimBlanks(nameOrType.substr(0, nameOrType.find(';')));
}

SLUICE_DECL bool matchesMediaRange(std::string_view range, std::string_view type) {
  if (range == "*/*") return type.find('/') != std::string_view::npos;
  if (range.ends_with("/*")) {
    const std::size_t prefix = range.size() - 1;
    return type.size() > prefix && equalIgnoreCase(type.substr(0, prefix), range.substr(0, prefix));
  }
  // "+json": every type with that suffix.
  if (range.starts_with('+')) {
    return type.size() > range.size() &&
           equalIgnoreCase(type.substr(type.size() - range.size()), range);
  }
  return equalIgnoreCase(range, type);
}

SLUICE_DECL int qualityOf(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = takeElement(parameters, ';');
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (!equalIgnoreCase(trimBlanks(parameter.substr(0, equals)), "q")) continue;
    const std::string_view digits = trimBlanks(parameter.substr(equals + 1));
    if (!digits.starts_with('0') && !digits.starts_with('1')) return 1000;
    int quality = (digits[0] - '0') * 1000;
    int unit = 100;
    for (std::size_t at = 2; at < digits.size() && digits[1] == '.' && unit > 0; ++at, unit /= 10) {
      if (digits[at] < '0' || digits[at] > '9') break;
      quality += (digits[at] - '0') * unit;
    }
    return std::min(quality, 1000);
  }
  return 1000;
}

// How closely a range of Accept, with its parameters, names a type; 0: not at all.
inline int closenessOf(std::string_view range, std::string_view type) {
  const auto partsOf = [](std::string_view of) {
    const std::string_view plain = trimBlanks(of.substr(0, of.find(';')));
    const std::size_t slash = std::min(plain.find('/'), plain.size());
    return std::pair(plain.substr(0, slash), plain.substr(std::min(slash + 1, plain.size())));
  };
  const auto [rangeType, rangeSubtype] = partsOf(range);
  const auto [ownType, ownSubtype] = partsOf(type);
  if (rangeSubtype.empty() || ownSubtype.empty()) return 0;
  int closeness = 8;
  if (equalIgnoreCase(rangeType, ownType))
    closeness |= 4;
  else if (rangeType != "*")
    return 0;
  if (equalIgnoreCase(rangeSubtype, ownSubtype))
    closeness |= 2;
  else if (rangeSubtype != "*")
    return 0;
  std::string_view parameters = range;
  takeElement(parameters, ';');
  while (!parameters.empty()) {
    const std::string_view parameter = takeElement(parameters, ';');
    const std::size_t equals = parameter.find('=');
    const std::string_view name = trimBlanks(parameter.substr(0, equals));
    if (equals == std::string_view::npos || equalIgnoreCase(name, "q")) continue;
    const std::string wanted = plainValue(trimBlanks(parameter.substr(equals + 1)));
    if (wanted != "*" && !equalIgnoreCase(wanted, parameterOf(type, name).value_or(""))) return 0;
    closeness |= 1;
  }
  return closeness;
}

SLUICE_DECL Liking likingOf(std::string_view accept, std::string_view type) {
  Liking best;
  for (std::size_t place = 0; !accept.empty(); ++place) {
    const std::string_view range = takeElement(accept);
    const int closeness = closenessOf(range, type);
    if (closeness == 0 || closeness < best.closeness) continue;
    std::string_view parameters = range;
    takeElement(parameters, ';');
    const int quality = qualityOf(parameters);
    if (closeness > best.closeness || quality >= best.quality) best = {quality, closeness, place};
  }
  return best;
}

}  // namespace sluice::app::detail
