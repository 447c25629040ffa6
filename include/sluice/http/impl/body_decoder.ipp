// SPDX-License-Identifier: BSL-1.0
//
// Definitions of detail/body_decoder.hpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <sluice/http/detail/wire/body_decoder.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>

namespace sluice::http::detail {

SLUICE_DECL void BodyDecoder::reset(Framing framing, std::uint64_t length, ParserLimits limits) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max() - 1;
  limits_ = limits;
  limits_.maxHeaderSize = std::min(limits.maxHeaderSize, most);
  remaining_ = length;
  lineSize_ = 0;
  fault_ = {};
  trailerBytes_.clear();
  trailers_.clear();
  switch (framing) {
    case Framing::none:
      state_ = State::complete;
      break;
    case Framing::sized:
      state_ = length == 0 ? State::complete : State::sized;
      break;
    case Framing::chunked:
      state_ = State::sizeStart;
      break;
    case Framing::untilClose:
      state_ = State::untilClose;
      break;
  }
}

SLUICE_DECL bool BodyDecoder::refuse(errc code, std::string_view reason) {
  fault_ = {code, reason};
  state_ = State::failed;
  return false;
}

SLUICE_DECL BodyDecoder::Piece BodyDecoder::decode(std::string_view input) {
  switch (state_) {
    case State::complete:
      return {Status::complete, 0, {}};
    case State::failed:
      return {Status::failed, 0, {}};
    case State::sized:
      return decodeSized(input);
    case State::untilClose:
      return {input.empty() ? Status::needMore : Status::data, input.size(), input};
    default:
      return decodeChunked(input);
  }
}

SLUICE_DECL BodyDecoder::Status BodyDecoder::atEof() {
  if (state_ == State::untilClose) state_ = State::complete;
  if (state_ == State::complete) return Status::complete;
  if (state_ != State::failed) {
    refuse(errc::HPE_INVALID_EOF_STATE, "The connection ended within the body");
  }
  return Status::failed;
}

SLUICE_DECL BodyDecoder::Piece BodyDecoder::decodeSized(std::string_view input) {
  const std::string_view data =
      input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size())));
  remaining_ -= data.size();
  if (remaining_ == 0) state_ = State::complete;
  if (state_ == State::complete) return {Status::complete, data.size(), data};
  return {data.empty() ? Status::needMore : Status::data, data.size(), data};
}

// One run of data, and what follows it as far as that is no data again: a small body in one chunk
// is one piece, and the caller learns with it that there is no more.
SLUICE_DECL BodyDecoder::Piece BodyDecoder::decodeChunked(std::string_view input) {
  std::string_view data;
  std::size_t consumed = 0;
  const auto piece = [&](Status otherwise) {
    return Piece{data.empty() ? otherwise : Status::data, consumed, data};
  };
  while (consumed < input.size()) {
    if (state_ == State::data) {
      if (!data.empty()) return piece(Status::data);
      data = input.substr(consumed, static_cast<std::size_t>(std::min<std::uint64_t>(
                                        remaining_, input.size() - consumed)));
      consumed += data.size();
      remaining_ -= data.size();
      if (remaining_ == 0) state_ = State::dataCr;
    } else if (state_ == State::trailers) {
      consumed += takeTrailers(input.substr(consumed));
    } else if (const std::size_t count = takePlainFraming(input.substr(consumed))) {
      consumed += count;
    } else if (takeFraming(input[consumed])) {
      ++consumed;
    }
    if (state_ == State::failed) return piece(Status::failed);
    if (state_ == State::complete) return {Status::complete, consumed, data};
  }
  return piece(Status::needMore);
}

// The usual cases, if all of it is there: a line end after data, a size without extensions. What is
// neither is taken byte by byte.
SLUICE_DECL std::size_t BodyDecoder::takePlainFraming(std::string_view input) {
  if (state_ == State::dataCr) {
    if (!input.starts_with("\r\n")) return 0;
    state_ = State::sizeStart;
    return 2;
  }
  if (state_ != State::sizeStart) return 0;
  // So many digits are below 2^64.
  const std::size_t most = std::min<std::size_t>(input.size(), 15);
  std::uint64_t size = 0;
  std::size_t count = 0;
  for (; count != most; ++count) {
    const int digit = sluice::detail::hexValue(input[count]);
    if (digit < 0) break;
    size = size * 16 + static_cast<unsigned>(digit);
  }
  if (count == 0 || !input.substr(count).starts_with("\r\n")) return 0;
  remaining_ = size;
  lineSize_ = count;
  state_ = State::chunkLf;
  endOfChunkLine();
  return count + 2;
}

SLUICE_DECL bool BodyDecoder::takeFraming(char c) {
  switch (state_) {
    case State::chunkLf:
      if (c != '\n') return refuse(errc::HPE_STRICT, "CR without LF behind a chunk size");
      return endOfChunkLine();
    case State::dataCr:
      if (c == '\r') {
        state_ = State::dataLf;
        return true;
      }
      if (limits_.insecure) {
        state_ = State::sizeStart;
        return c == '\n' || takeFraming(c);
      }
      if (c == '\n')
        return refuse(errc::HPE_CR_EXPECTED, "LF without CR behind the data of a chunk");
      return refuse(errc::HPE_STRICT, "There is no line end behind the data of a chunk");
    case State::dataLf:
      if (c != '\n') return refuse(errc::HPE_STRICT, "CR without LF behind the data of a chunk");
      state_ = State::sizeStart;
      return true;
    default:
      return takeChunkLine(c);
  }
}

// RFC 9112 §7.1.1. Quoted strings end on their line, and blanks are nowhere allowed.
SLUICE_DECL bool BodyDecoder::takeChunkLine(char c) {
  const auto badExtension = [this] {
    return refuse(errc::HPE_STRICT, "A chunk extension is malformed");
  };
  const auto go = [&](State to) {
    state_ = to;
    if (++lineSize_ <= maxChunkLine) return true;
    return refuse(errc::HPE_CHUNK_EXTENSIONS_OVERFLOW, "The line of a chunk is larger than 16 KiB");
  };
  // Where the line may end, it may also go on with another extension.
  const auto endOrNext = [&](auto refused) {
    if (c == ';') return go(State::extensionStart);
    if (c == '\r') {
      state_ = State::chunkLf;
      return true;
    }
    if (c == '\n') return endOfChunkLine();
    return refused();
  };

  switch (state_) {
    case State::sizeStart:
    case State::size: {
      const auto badSize = [this] {
        return refuse(errc::HPE_INVALID_CHUNK_SIZE, "A chunk size is no hex number below 2^64");
      };
      const int digit = sluice::detail::hexValue(c);
      if (state_ == State::sizeStart) {
        if (digit < 0) return badSize();
        remaining_ = 0;
        lineSize_ = 0;
      }
      if (digit < 0) {
        if (c == ' ' && limits_.insecure) return go(State::sizeBlank);
        return endOrNext(badSize);
      }
      if (remaining_ > std::numeric_limits<std::uint64_t>::max() / 16) return badSize();
      remaining_ = remaining_ * 16 + static_cast<unsigned>(digit);
      return go(State::size);
    }
    case State::sizeBlank:
      if (c == ' ') return go(State::sizeBlank);
      return endOrNext([this] {
        return refuse(errc::HPE_INVALID_CHUNK_SIZE, "There is text behind a chunk size");
      });
    case State::extensionStart:
      return tokenBytes.has(c) ? go(State::extensionName) : badExtension();
    case State::extensionName:
      if (tokenBytes.has(c)) return go(State::extensionName);
      return c == '=' ? go(State::valueStart) : endOrNext(badExtension);
    case State::valueStart:
      if (c == '"') return go(State::quoted);
      return tokenBytes.has(c) ? go(State::value) : badExtension();
    case State::value:
      return tokenBytes.has(c) ? go(State::value) : endOrNext(badExtension);
    case State::quoted:
      if (c == '"') return go(State::afterQuoted);
      if (c == '\\') return go(State::escaped);
      return headerTextBytes.has(c) ? go(State::quoted) : badExtension();
    case State::escaped:
      return headerTextBytes.has(c) ? go(State::quoted) : badExtension();
    default:
      return endOrNext(badExtension);
  }
}

SLUICE_DECL bool BodyDecoder::endOfChunkLine() {
  if (state_ != State::chunkLf && !limits_.insecure) {
    return refuse(errc::HPE_CR_EXPECTED, "LF without CR behind a chunk size");
  }
  if (remaining_ != 0) {
    state_ = State::data;
    return true;
  }
  state_ = State::trailers;
  lines_.reset(0, limits_.maxHeaderSize, limits_.insecure, false);
  return true;
}

// Copies line by line, so that nothing after the section is taken.
SLUICE_DECL std::size_t BodyDecoder::takeTrailers(std::string_view input) {
  if (trailerBytes_.empty() && input.starts_with("\r\n")) {
    state_ = State::complete;
    return 2;
  }
  const void* const lf = std::memchr(input.data(), '\n', input.size());
  std::size_t count =
      lf == nullptr ? input.size()
                    : static_cast<std::size_t>(static_cast<const char*>(lf) - input.data()) + 1;
  // One byte above the limit is enough to see that it is passed.
  count = std::min(count, limits_.maxHeaderSize + 1 - trailerBytes_.size());
  trailerBytes_.append(input.substr(0, count));
  return readTrailers() ? count : 0;
}

SLUICE_DECL bool BodyDecoder::readTrailers() {
  for (;;) {
    switch (lines_.next(trailerBytes_.view())) {
      case FieldLineReader::Result::needMore:
        return true;
      case FieldLineReader::Result::failed:
        return refuse(lines_.fault().code, lines_.fault().reason);
      case FieldLineReader::Result::line:
        if (const Fault fault = trailerFault(knownHeader(lines_.name(trailerBytes_.view())));
            fault && !limits_.insecure) {
          return refuse(fault.code, fault.reason);
        }
        if (limits_.maxHeadersCount == 0 || trailers_.size() < limits_.maxHeadersCount) {
          trailers_.add(lines_.span());
        }
        break;
      case FieldLineReader::Result::end:
        trailers_.rebase(lines_.storage(trailerBytes_.data()));
        state_ = State::complete;
        return true;
    }
  }
}

}  // namespace sluice::http::detail
