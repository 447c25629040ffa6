// SPDX-License-Identifier: BSL-1.0
//
// The store of outgoing headers: what is set, added, merged and removed, and what is noted of it.
#pragma once

#include <charconv>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/header_store.hpp>
#include <sluice/http/detail/wire/strictness.hpp>

namespace sluice::http::detail {

SLUICE_DECL void throwUnusable(KnownHeader header, std::string_view value) {
  const char* const name =
      header == KnownHeader::contentLength ? "Content-Length" : "Transfer-Encoding";
  throw Error(errc::ERR_HTTP_INVALID_HEADER_VALUE,
              "Invalid value \"" + std::string(value) + "\" for header \"" + name + '"');
}

// RFC 9112 §6.1 to 6.3: what a strict recipient would refuse is not sent.
SLUICE_DECL void requireUsable(KnownHeader header, std::string_view value) {
  if (header == KnownHeader::contentLength) {
    if (!contentLength(value)) throwUnusable(header, value);
  } else if (header == KnownHeader::transferEncoding) {
    TransferCodings codings;
    codings.add(value);
    const bool runsToClose = codings.runsToClose() && !containsWord(value, "chunked");
    if (!codings.delimits() && !runsToClose) throwUnusable(header, value);
  }
}

template <class Texts>
void requireUsable(KnownHeader header, const Texts& lines) {
  std::string all;
  for (const std::string_view line : lines) (all += all.empty() ? "" : ", ") += line;
  requireUsable(header, std::string_view(all));
}

SLUICE_DECL void validateHeaders(const Headers& headers) {
  KnownHeaders present;
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    const RawHeader line = headers.line(index);
    validateHeaderName(line.name);
    validateHeaderValue(line.name, line.value);
    present.insert(knownHeader(line.name));
  }
  if (present.has(KnownHeader::contentLength)) {
    requireUsable(KnownHeader::contentLength, headers.getAll("content-length"));
  }
  if (present.has(KnownHeader::transferEncoding)) {
    requireUsable(KnownHeader::transferEncoding, headers.getAll("transfer-encoding"));
  }
}

SLUICE_DECL void HeaderStore::setText(std::string_view name, std::string_view text) {
  validateHeaderName(name);
  validateHeaderValue(name, text);
  put(name, text, Kind::text);
}

SLUICE_DECL void HeaderStore::setNumber(std::string_view name, std::int64_t number) {
  validateHeaderName(name);
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  put(name, {digits, static_cast<std::size_t>(end - digits)}, Kind::number);
}

SLUICE_DECL void HeaderStore::set(std::string_view name, const HeaderValue& value) {
  validateHeaderName(name);
  if (!value) throwUnsetHeader(name);
  validateHeaderValue(name, value.str());
  if (value.isArray()) {
    put(name, value.array());
  } else {
    put(name, value.str(), value.isNumber() ? Kind::number : Kind::text);
  }
}

SLUICE_DECL void HeaderStore::addHost(std::string_view value) {
  validateHeaderValue("Host", value);
  lines_.add("Host", value, {Kind::text, KnownHeader::host});
  present_.insert(KnownHeader::host);
  removed_.erase(KnownHeader::host);
}

SLUICE_DECL void HeaderStore::append(std::string_view name, const HeaderValue& value) {
  std::size_t line = lines_.find(name);
  if (line == Lines::npos) return set(name, value);
  if (!value) throwUnsetHeader(name);
  validateHeaderValue(name, value.str());
  // A view of the store's own text would not survive the change.
  const std::string spelling(lines_.name(line));
  std::vector<std::string> values;
  const auto add = [&values](std::string_view text) { values.emplace_back(text); };
  for (; line < lines_.size() && equalIgnoreCase(lines_.name(line), spelling); ++line) {
    if (isLine(line)) add(lines_.value(line));
  }
  if (value.isArray()) {
    for (const std::string& each : value.array()) add(each);
  } else {
    add(value.str());
  }
  put(spelling, values);
}

SLUICE_DECL void HeaderStore::merge(const Headers& headers) {
  validateHeaders(headers);
  for (std::size_t index = 0; index < headers.lineCount(); ++index) {
    const RawHeader line = headers.line(index);
    if (headers.firstLineOf(index) == index) {
      put(line.name, line.value, Kind::text);
    } else {
      append(line.name, line.value);
    }
  }
}

SLUICE_DECL void HeaderStore::merge(const HeaderStore& prepared) {
  if (!lines_.sharesNames(prepared.lines_)) {
    lines_.append(prepared.lines_);
    present_.insert(prepared.present_);
    removed_.erase(prepared.present_);
    return;
  }
  for (std::size_t index = 0; index < prepared.lineCount(); ++index) {
    const RawHeader line = prepared.line(index);
    if (prepared.firstLineOf(index) == index) {
      put(line.name, line.value, Kind::text);
    } else {
      append(line.name, line.value);
    }
  }
}

SLUICE_DECL void HeaderStore::remove(std::string_view name) {
  removed_.insert(knownHeader(name));
  const std::size_t line = lines_.find(name);
  if (line == Lines::npos) return;
  eraseFrom(line + 1, lines_.name(line));
  eraseLine(line);
}

SLUICE_DECL HeaderValue HeaderStore::get(std::string_view name) const {
  std::size_t line = lines_.find(name);
  if (line == Lines::npos) return {};
  const std::string_view value = lines_.value(line);
  switch (lines_.mark(line).kind) {
    case Kind::number: {
      std::int64_t number = 0;
      std::from_chars(value.data(), value.data() + value.size(), number);
      return number;
    }
    case Kind::list: {
      std::vector<std::string_view> values;
      for (; line < lines_.size() && equalIgnoreCase(lines_.name(line), name); ++line) {
        values.push_back(lines_.value(line));
      }
      return values;
    }
    case Kind::emptyList:
      return std::vector<std::string_view>();
    case Kind::text:
      break;
  }
  return value;
}

SLUICE_DECL std::string_view HeaderStore::text(std::string_view name) const {
  const std::size_t line = lines_.find(name);
  return line == Lines::npos ? std::string_view() : lines_.value(line);
}

SLUICE_DECL std::vector<std::string> HeaderStore::names() const {
  std::vector<std::string> names = rawNames();
  for (std::string& name : names) copyLower(name.data(), std::string(name));
  return names;
}

SLUICE_DECL std::vector<std::string> HeaderStore::rawNames() const {
  std::vector<std::string> names;
  for (std::size_t line = 0; line < lines_.size(); ++line) {
    if (firstLineOf(line) == line) names.emplace_back(lines_.name(line));
  }
  return names;
}

SLUICE_DECL Headers HeaderStore::headers() const {
  std::vector<RawHeader> lines;
  lines.reserve(lines_.size());
  for (std::size_t index = 0; index < lines_.size(); ++index) {
    if (isLine(index)) lines.push_back(line(index));
  }
  Headers headers;
  headers.assign(lines);
  return headers;
}

SLUICE_DECL void HeaderStore::clear() {
  lines_.clear();
  present_ = {};
  removed_ = {};
  emptyLists_ = 0;
}

SLUICE_DECL std::size_t HeaderStore::put(std::string_view name, std::string_view value, Kind kind) {
  const KnownHeader known = knownHeader(name);
  if (kind == Kind::text || kind == Kind::number) requireUsable(known, value);
  std::size_t line = lines_.find(name);
  if (line == Lines::npos) {
    line = lines_.size();
    lines_.add(name, value, {kind, known});
  } else {
    if (!isLine(line)) --emptyLists_;
    lines_.replace(line, name, value, {kind, known});
    eraseFrom(line + 1, lines_.name(line));
  }
  present_.insert(known);
  removed_.erase(known);
  return line;
}

SLUICE_DECL void HeaderStore::put(std::string_view name, std::span<const std::string> values) {
  const KnownHeader known = knownHeader(name);
  if (values.empty()) {
    put(name, std::string_view(), Kind::emptyList);
    present_.erase(known);
    ++emptyLists_;
    return;
  }
  requireUsable(known, values);
  const std::size_t first = put(name, values.front(), Kind::list);
  for (std::size_t index = 1; index < values.size(); ++index) {
    lines_.insert(first + index, lines_.name(first), values[index], {Kind::list, known});
  }
}

SLUICE_DECL void HeaderStore::eraseLine(std::size_t index) {
  present_.erase(lines_.mark(index).known);
  if (!isLine(index)) --emptyLists_;
  lines_.erase(index);
}

SLUICE_DECL void HeaderStore::eraseFrom(std::size_t index, std::string_view name) {
  while (index < lines_.size() && equalIgnoreCase(lines_.name(index), name)) eraseLine(index);
}

}  // namespace sluice::http::detail
