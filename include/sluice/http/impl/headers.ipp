// SPDX-License-Identifier: BSL-1.0
//
// Header values and the map of headers: making, joining and finding what belongs together.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/header_joining.hpp>
#include <sluice/http/headers.hpp>

namespace sluice::http {

namespace detail {

SLUICE_DECL void throwUnsetHeader(std::string_view name) {
  throw Error(errc::ERR_HTTP_INVALID_HEADER_VALUE,
              "Invalid value \"undefined\" for header \"" + std::string(name) + '"');
}

}  // namespace detail

SLUICE_DECL void validateHeaderName(std::string_view name) {
  if (detail::isToken(name)) return;
  throw Error(errc::ERR_INVALID_HTTP_TOKEN,
              "Header name must be a valid HTTP token [\"" + std::string(name) + "\"]");
}

SLUICE_DECL void validateHeaderValue(std::string_view name, std::string_view value) {
  if (detail::isHeaderText(value)) return;
  throw Error(errc::ERR_INVALID_CHAR,
              "Invalid character in header content [\"" + std::string(name) + "\"]");
}

SLUICE_DECL void HeaderValue::setText(std::string text) {
  text_ = std::move(text);
  kind_ = Kind::text;
}

SLUICE_DECL void HeaderValue::setNumber(std::int64_t number) {
  char digits[20];
  text_.assign(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
  number_ = number;
  kind_ = Kind::number;
}

SLUICE_DECL void HeaderValue::setFloating(double number) {
  // Up to here every integer has a double of its own.
  constexpr double exact = 9007199254740992.0;
  if (std::trunc(number) == number && std::abs(number) <= exact) {
    setNumber(static_cast<std::int64_t>(number));
  } else if (!std::isfinite(number)) {
    setText(std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
  } else {
    char digits[32];
    setText({digits, std::to_chars(digits, digits + sizeof(digits), number).ptr});
  }
}

SLUICE_DECL void HeaderValue::addToList(std::string_view text) {
  if (!list_.empty()) text_ += ", ";
  text_ += text;
  list_.emplace_back(text);
}

SLUICE_DECL Headers::Headers(Field a, Field b, Field c, Field d) {
  for (const Field* field : {&a, &b, &c, &d}) addField(*field);
}

SLUICE_DECL Headers::Headers(Field a, Field b, Field c, Field d, Field e, Field f, Field g,
                             Field h) {
  for (const Field* field : {&a, &b, &c, &d, &e, &f, &g, &h}) addField(*field);
}

SLUICE_DECL Headers::Headers(Field a, Field b, Field c, Field d, Field e, Field f, Field g, Field h,
                             Field i, Field j, Field k, Field l, Field m, Field n, Field o,
                             Field p) {
  for (const Field* field : {&a, &b, &c, &d, &e, &f, &g, &h, &i, &j, &k, &l, &m, &n, &o, &p})
    addField(*field);
}

SLUICE_DECL Headers::Headers(Field a, Field b, Field c, Field d, Field e, Field f, Field g, Field h,
                             Field i, Field j, Field k, Field l, Field m, Field n, Field o, Field p,
                             Field q, Field r, Field s, Field t, Field u, Field v, Field w,
                             Field x) {
  for (const Field* field : {&a, &b, &c, &d, &e, &f, &g, &h, &i, &j, &k, &l,
                             &m, &n, &o, &p, &q, &r, &s, &t, &u, &v, &w, &x})
    addField(*field);
}

SLUICE_DECL Headers& Headers::set(std::string_view name, const HeaderValue& value) {
  if (!value) detail::throwUnsetHeader(name);
  const std::size_t first = lines_.find(name);
  if (first == Lines::npos) return append(name, value);
  // What was given may be a view of lines that move from here on; the name stands in this one then.
  const std::span<const std::string> list = value.array();
  if (!value.isArray() || !list.empty()) {
    lines_.replace(first, name, value.isArray() ? std::string_view(list.front()) : value.str(), {});
  }
  eraseAfter(first);
  if (value.isArray() && list.empty()) lines_.erase(first);
  for (std::size_t index = 1; index < list.size(); ++index) {
    lines_.insert(first + index, lines_.name(first), list[index], {});
  }
  findHeads();
  link();
  return *this;
}

SLUICE_DECL Headers& Headers::append(std::string_view name, const HeaderValue& value) {
  if (!value) detail::throwUnsetHeader(name);
  if (value.isArray()) {
    for (const std::string& text : value.array()) {
      addLine(name, text);
      // What was given may have been a view of memory that was given back.
      name = lines_.name(lines_.size() - 1);
    }
  } else {
    addLine(name, value.str());
  }
  return *this;
}

SLUICE_DECL bool Headers::remove(std::string_view name) {
  const std::size_t first = lines_.find(name);
  if (first == Lines::npos) return false;
  eraseAfter(first);
  lines_.erase(first);
  findHeads();
  link();
  return true;
}

// Every other line of the same name.
SLUICE_DECL void Headers::eraseAfter(std::size_t first) {
  for (std::size_t line = first + 1;
       (line = lines_.find(lines_.name(first), line)) != Lines::npos;) {
    lines_.erase(line);
  }
}

SLUICE_DECL std::vector<std::string_view> Headers::getAll(std::string_view name) const {
  std::vector<std::string_view> values;
  for (std::size_t line = lines_.find(name); line != Lines::npos;
       line = lines_.find(name, line + 1)) {
    values.push_back(lines_.value(line));
  }
  return values;
}

SLUICE_DECL std::vector<std::string_view> Headers::keys() const {
  std::vector<std::string_view> names;
  names.reserve(names_);
  for (const auto& [name, value] : *this) names.push_back(name);
  return names;
}

SLUICE_DECL Headers& Headers::assign(std::span<const RawHeader> lines, bool joinDuplicateHeaders) {
  clear();
  joinDuplicates_ = joinDuplicateHeaders;
  std::size_t namesSize = 0;
  std::size_t valuesSize = 0;
  for (const RawHeader& line : lines) {
    namesSize += line.name.size();
    valuesSize += line.value.size();
  }
  lines_.reserve(lines.size(), namesSize, valuesSize);
  for (const RawHeader& line : lines) lines_.add(line.name, line.value, {});
  findHeads();
  link();
  return *this;
}

SLUICE_DECL void Headers::clear() {
  lines_.clear();
  joined_.clear();
  names_ = 0;
}

SLUICE_DECL void Headers::addField(const Field& field) {
  // Fields that were not given are empty; one with an empty name goes in, for validation to refuse.
  if (field.value() || !field.name().empty()) append(field.name(), field.value());
}

SLUICE_DECL void Headers::addLine(std::string_view name, std::string_view value) {
  const std::size_t found = lines_.find(name);
  const std::size_t line = lines_.size();
  const std::size_t head = found == Lines::npos ? line : found;
  lines_.add(name, value, {.head = static_cast<std::uint32_t>(head)});
  if (head == line) {
    ++names_;
  } else {
    join(head, line);
  }
}

SLUICE_DECL void Headers::join(std::size_t head, std::size_t line) {
  const detail::Joining joining = detail::joiningOf(lines_.lowerName(head), joinDuplicates_);
  if (joining == detail::Joining::firstWins) return;
  std::uint32_t& index = lines_.mark(head).joined;
  if (index == 0) {
    joined_.emplace_back(lines_.value(head));
    index = static_cast<std::uint32_t>(joined_.size());
  }
  joined_[index - 1].append(detail::separatorOf(joining)).append(lines_.value(line));
}

SLUICE_DECL void Headers::findHeads() {
  constexpr std::size_t few = 32;
  if (lines_.size() <= few) {
    for (std::size_t line = 0; line < lines_.size(); ++line) {
      lines_.mark(line) = {.head = static_cast<std::uint32_t>(lines_.find(lines_.name(line)))};
    }
    return;
  }
  // A peer decides how many there are: looking through all of them for each would be quadratic.
  std::vector<std::uint32_t> byName(lines_.size());
  std::iota(byName.begin(), byName.end(), 0U);
  std::sort(byName.begin(), byName.end(), [this](std::uint32_t left, std::uint32_t right) {
    const int order = lines_.lowerName(left).compare(lines_.lowerName(right));
    return order != 0 ? order < 0 : left < right;
  });
  std::uint32_t head = byName.front();
  for (const std::uint32_t line : byName) {
    if (lines_.lowerName(line) != lines_.lowerName(head)) head = line;
    lines_.mark(line) = {.head = head};
  }
}

SLUICE_DECL void Headers::link() {
  joined_.clear();
  names_ = 0;
  for (std::size_t line = 0; line < lines_.size(); ++line) {
    const std::size_t head = lines_.mark(line).head;
    if (head == line) {
      ++names_;
    } else {
      join(head, line);
    }
  }
}

}  // namespace sluice::http
