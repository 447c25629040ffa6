// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/multipart_parser.hpp>.
#pragma once

#include <algorithm>
#include <sluice/web/app/detail/multipart_parser.hpp>
#include <sluice/web/app/detail/negotiation.hpp>
#include <sluice/web/app/detail/target_path.hpp>

namespace sluice::app::detail {

SLUICE_DECL std::string fileNameOf(std::string_view disposition) {
  auto plain = parameterOf(disposition, "filename");
  // RFC 7578 §4.2 has only this one, but some clients write that of RFC 5987: UTF-8'en'%E2%82%AC.
  if (!plain) {
    const std::string extended = parameterOf(disposition, "filename*").value_or("");
    const std::size_t quote = extended.find('\'', extended.find('\'') + 1);
    if (quote != std::string::npos) {
      std::string& decoded = plain.emplace();
      if (!appendDecoded(decoded, std::string_view(extended).substr(quote + 1))) decoded.clear();
    }
  }
  std::string name = plain.value_or("");
  name.erase(0, name.find_last_of("/\\") + 1);
  const bool isFolder = name == "." || name == "..";
  if (isFolder || name.find('\0') != std::string::npos) name.clear();
  return name;
}

SLUICE_DECL std::string boundaryOf(std::string_view contentType) {
  std::string boundary = parameterOf(contentType, "boundary").value_or("");
  const bool allowed = boundary.size() <= 70 && !boundary.ends_with(' ') &&
                       std::all_of(boundary.begin(), boundary.end(),
                                   [](char letter) { return letter >= ' ' && letter < 0x7F; });
  if (!allowed) boundary.clear();
  return boundary;
}

SLUICE_DECL MultipartParser::Event MultipartParser::next(std::string_view& input) {
  data_ = {};
  while (true) {
    if (state_ == State::failed) return Event::failed;
    if (state_ == State::epilogue) {
      input = {};
      return Event::end;
    }
    if (input.empty()) return Event::needMore;
    if (state_ == State::preamble || state_ == State::content) {
      const Event event = readContent(input);
      // What comes before the first delimiter counts for nothing.
      if (event == Event::data && state_ == State::preamble) continue;
      if (event == Event::partEnd) {
        const bool first = state_ == State::preamble;
        state_ = State::afterDelimiter;
        tail_.clear();
        if (first) continue;
      }
      return event;
    }
    if (state_ == State::afterDelimiter) {
      const Event event = readAfterDelimiter(input);
      if (event != Event::part) return event;
    }
    if (input.empty()) return Event::needMore;
    if (state_ == State::header) return readHeader(input);
  }
}

// Where the delimiter begins in `input`, or where its beginning is at the end of it; the size of
// `input` if neither.
inline std::size_t findDelimiter(std::string_view input, std::string_view delimiter) {
  std::size_t at = input.find('\r');
  while (at != std::string_view::npos) {
    if (delimiter.starts_with(input.substr(at, delimiter.size()))) return at;
    at = input.find('\r', at + 1);
  }
  return input.size();
}

// Where a match breaks off, the next one can only begin: a delimiter has one CR, its first byte.
SLUICE_DECL MultipartParser::Event MultipartParser::readContent(std::string_view& input) {
  std::size_t at = 0;
  if (matched_ == 0) {
    data_ = input.substr(0, findDelimiter(input, delimiter_));
    input.remove_prefix(data_.size());
    if (!data_.empty()) return Event::data;
  }
  while (at < input.size() && matched_ < delimiter_.size() && input[at] == delimiter_[matched_]) {
    ++at;
    ++matched_;
  }
  input.remove_prefix(at);
  if (matched_ == delimiter_.size()) {
    matched_ = 0;
    return Event::partEnd;
  }
  if (input.empty()) return Event::needMore;
  // It was content after all.
  data_ = std::string_view(delimiter_).substr(0, matched_);
  matched_ = 0;
  return data_.empty() ? Event::needMore : Event::data;
}

SLUICE_DECL MultipartParser::Event MultipartParser::readAfterDelimiter(std::string_view& input) {
  // "--" after the last part, else spaces and the end of the line.
  while (!input.empty()) {
    const char letter = input.front();
    input.remove_prefix(1);
    tail_ += letter;
    if (tail_ == "--") {
      state_ = State::epilogue;
      return Event::end;
    }
    if (tail_.ends_with("\r\n")) {
      state_ = State::header;
      header_.clear();
      return Event::part;
    }
    const bool space = letter == ' ' || letter == '\t';
    if (tail_.size() > 64 || (!space && letter != '\r' && tail_ != "-")) return fail(Event::failed);
    if (tail_.size() >= 2 && tail_[tail_.size() - 2] == '\r') return fail(Event::failed);
  }
  return Event::needMore;
}

// Without the folds of RFC 2046 §5.1 (RFC 822 §3.1.1): a line that begins with a blank goes on with
// the one before, after one space.
inline std::string unfolded(std::string_view lines) {
  constexpr std::string_view blanks = " \t";
  std::string plain;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const bool goesOn = blanks.find(lines.front()) != std::string_view::npos;
    if (goesOn) {
      plain.resize(plain.size() - 2);
      plain.erase(plain.find_last_not_of(blanks) + 1);
      plain += ' ';
    }
    plain.append(goesOn ? trimBlanks(lines.substr(0, end)) : lines.substr(0, end)).append("\r\n");
    lines.remove_prefix(end + 2);
  }
  return plain;
}

SLUICE_DECL MultipartParser::Event MultipartParser::readHeader(std::string_view& input) {
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\n'), input.size() - 1) + 1;
    if (header_.size() + end > maxHeader_) return fail(Event::tooLarge);
    header_ += input.substr(0, end);
    input.remove_prefix(end);
    if (!header_.ends_with('\n')) return Event::needMore;
    if (!header_.ends_with("\r\n")) return fail(Event::failed);
    if (header_ == "\r\n" || header_.ends_with("\r\n\r\n")) {
      header_.resize(header_.size() - 2);
      if (header_.starts_with(' ') || header_.starts_with('\t')) return fail(Event::failed);
      header_ = unfolded(header_);
      state_ = State::content;
      return Event::part;
    }
  }
  return Event::needMore;
}

}  // namespace sluice::app::detail
