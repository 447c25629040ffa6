// SPDX-License-Identifier: BSL-1.0
//
// Definitions of detail/field_line_reader.hpp.
#pragma once

#include <cstring>
#include <sluice/http/detail/wire/field_line_reader.hpp>
#include <sluice/http/detail/wire/head_engine.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>

namespace sluice::http::detail {

namespace field_line_reader {

namespace beast = boost::beast::http;

// A head around the line makes Beast read it. The letter in front of the name keeps Beast from
// acting on the line as a framing field: what it refuses there differs from version to version and
// is not what the rules say.
inline constexpr std::string_view front = "GET / HTTP/1.1\r\nx";

struct Sink {
  bool onRequestLine(beast::verb, std::string_view, std::string_view, int) { return true; }
  bool onStatusLine(int, std::string_view, int) { return true; }
  bool onFieldLine(beast::field, std::string_view foundName, std::string_view foundValue) {
    name = foundName;
    value = foundValue;
    return true;
  }

  std::string_view name, value;
};

// With `insecure`, control characters pass (but CR and LF), so Beast must not see them. The byte it
// sees instead is allowed in a value and in nothing that frames a message.
inline void append(net::detail::ByteBuffer& buffer, std::string_view content, bool hideControls) {
  buffer.append(content);
  if (!hideControls) return;
  for (char* c = buffer.data() + buffer.size() - content.size(); c != buffer.data() + buffer.size();
       ++c) {
    if (*c != '\r' && !headerTextBytes.has(*c)) *c = static_cast<char>(0x80);
  }
}

}  // namespace field_line_reader

SLUICE_DECL void FieldLineReader::reset(std::size_t begin, std::size_t limit, bool insecure,
                                        bool first) {
  position_ = searched_ = begin;
  limit_ = limit;
  insecure_ = insecure;
  first_ = first;
  fault_ = {};
  unfolded_.clear();
}

SLUICE_DECL FieldLineReader::Result FieldLineReader::fail(Fault fault) {
  fault_ = fault;
  return Result::failed;
}

SLUICE_DECL FieldLineReader::Result FieldLineReader::overflow() {
  return fail({errc::HPE_HEADER_OVERFLOW, "The headers are larger than the limit"});
}

SLUICE_DECL FieldLineReader::Result FieldLineReader::next(std::string_view input) {
  const std::string_view rest = input.substr(position_);
  if (rest.empty()) return Result::needMore;
  if (position_ >= limit_) return overflow();
  const bool blankOrLf = rest.front() == ' ' || rest.front() == '\t' || rest.front() == '\n';
  if (!insecure_ || !blankOrLf) {
    if (const Fault fault = lineStartFault(rest, first_)) return fail(fault);
  }
  for (;;) {
    const void* const found = std::memchr(input.data() + searched_, '\n', input.size() - searched_);
    if (found == nullptr) {
      searched_ = input.size();
      return input.size() > limit_ ? overflow() : Result::needMore;
    }
    const auto lf = static_cast<std::size_t>(static_cast<const char*>(found) - input.data());
    if (lf >= limit_) return overflow();
    const bool lfAlone = lf == position_ || input[lf - 1] != '\r';
    const std::size_t lineEnd = lfAlone ? lf : lf - 1;
    if (lineEnd == position_) {
      position_ = lf + 1;
      return Result::end;
    }
    if (insecure_) {
      // Only the byte after the line's end tells whether the line goes on.
      searched_ = lf;
      if (lf + 1 == input.size()) return Result::needMore;
      if (input[lf + 1] == ' ' || input[lf + 1] == '\t') {
        ++searched_;
        continue;
      }
    }
    const std::string_view line = input.substr(position_, lineEnd - position_);
    Fault fault;
    if (insecure_) {
      const std::string_view content = unfold(line);
      fault = read(content, unfolded_.size() - content.size(), false);
    } else {
      fault = read(line, position_, lfAlone);
    }
    if (fault) return fail(fault);
    position_ = searched_ = lf + 1;
    first_ = false;
    return Result::line;
  }
}

SLUICE_DECL std::string_view FieldLineReader::unfold(std::string_view lines) {
  const std::size_t begin = unfolded_.size();
  while (!lines.empty()) {
    const std::size_t lf = lines.find('\n');
    std::string_view line = lines.substr(0, lf);
    if (lf == std::string_view::npos) {
      lines = {};
    } else {
      lines.remove_prefix(lf + 1);
      if (line.ends_with('\r')) line.remove_suffix(1);
    }
    // RFC 9112 §5.2: what separates the parts of a folded value counts as one SP.
    if (unfolded_.size() != begin) unfolded_.append(' ');
    unfolded_.append(sluice::detail::trimBlanks(line));
  }
  return unfolded_.view().substr(begin);
}

// `content` is one line without its end and stands at `offset` of storage().
SLUICE_DECL Fault FieldLineReader::read(std::string_view content, std::size_t offset,
                                        bool lfAlone) {
  field_line_reader::Sink sink;
  const auto run = [&](std::string_view lineEnd) {
    scratch_.clear();
    scratch_.append(field_line_reader::front);
    field_line_reader::append(scratch_, content, insecure_);
    scratch_.append(lineEnd);
    return HeadEngine<true, field_line_reader::Sink>(sink).run(scratch_.view());
  };
  namespace beast = boost::beast::http;
  const error_code error = run("\r\n\r\n");
  if (error == beast::error::bad_line_ending) {
    return {errc::HPE_LF_EXPECTED, "CR without LF in a header value"};
  }
  if (error == beast::error::bad_value) {
    return {errc::HPE_INVALID_HEADER_TOKEN, "A header value has a control character"};
  }
  if (error || sink.name.size() < 2) {
    return {errc::HPE_INVALID_HEADER_TOKEN, "A header line does not begin with a name and a colon"};
  }
  if (lfAlone) return {errc::HPE_CR_EXPECTED, "LF without CR behind a header line"};

  const char* const base = scratch_.data() + field_line_reader::front.size();
  const auto place = [&](const char* text) {
    return static_cast<std::uint32_t>(offset + static_cast<std::size_t>(text - base));
  };
  const std::string_view name = sink.name.substr(1);
  span_ = {place(name.data()), static_cast<std::uint32_t>(name.size()), place(sink.value.data()),
           static_cast<std::uint32_t>(sink.value.size())};
  return {};
}

}  // namespace sluice::http::detail
