// SPDX-License-Identifier: BSL-1.0
//
// Definitions of detail/message_parser.hpp.
#pragma once

#include <algorithm>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/config.hpp>
#include <cstring>
#include <limits>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/wire/head_engine.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <sluice/http/detail/wire/known_header.hpp>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <type_traits>

namespace sluice::http::detail {

// Beast has found the name already.
inline KnownHeader knownHeader(boost::beast::http::field found) {
  using Field = boost::beast::http::field;
  switch (found) {
    case Field::connection:
      return KnownHeader::connection;
    case Field::content_length:
      return KnownHeader::contentLength;
    case Field::transfer_encoding:
      return KnownHeader::transferEncoding;
    case Field::keep_alive:
      return KnownHeader::keepAlive;
    case Field::expect:
      return KnownHeader::expect;
    case Field::host:
      return KnownHeader::host;
    case Field::upgrade:
      return KnownHeader::upgrade;
    case Field::te:
      return KnownHeader::te;
    case Field::proxy_connection:
      return KnownHeader::proxyConnection;
    default:
      return KnownHeader::other;
  }
}

BOOST_FORCEINLINE bool MessageParser::acceptField(const FieldSpan& span, KnownHeader header,
                                                  std::string_view value) {
  // Lines above the limit are lost to the user only: what frames the message is always seen.
  const bool kept = headers_.size() < limits_.maxHeadersCount;
  if (kept) headers_.add(span);
  if (header == KnownHeader::other) return true;
  if (header == KnownHeader::keepAlive) {
    if (kept && facts_.keepAliveLine == noLine) {
      facts_.keepAliveLine = static_cast<std::uint32_t>(headers_.size() - 1);
    }
    return true;
  }
  return acceptKnown(header, value);
}

// What the engine reports while it reads a start line or a whole head, which begins at `head` and
// stands at `shift` in the message.
struct MessageParser::Events {
  using Verb = boost::beast::http::verb;
  using Field = boost::beast::http::field;

  MessageParser& parser;
  const char* head;
  std::size_t shift;

  std::uint32_t place(std::string_view text) const {
    return static_cast<std::uint32_t>(static_cast<std::size_t>(text.data() - head) + shift);
  }
  Span span(std::string_view text) const {
    return {place(text), static_cast<std::uint32_t>(text.size())};
  }

  bool onRequestLine(Verb verb, std::string_view method, std::string_view target, int version) {
    if (verb == Verb::unknown && !isKnownMethod(method)) {
      return parser.refuse(errc::HPE_INVALID_METHOD, "The method is not known");
    }
    if (!isTargetText(target)) {
      return parser.refuse(errc::HPE_INVALID_URL, "The target has bytes above 0x7E");
    }
    if (!isTargetForm(method, target)) {
      return parser.refuse(errc::HPE_INVALID_URL,
                           "The target has a form its method does not allow");
    }
    parser.facts_.method = span(method);
    parser.facts_.isHead = verb == Verb::head;
    parser.facts_.isConnect = verb == Verb::connect;
    parser.facts_.target = span(target);
    parser.facts_.version = version;
    return true;
  }

  bool onStatusLine(int status, std::string_view reason, int version) {
    if (!isStatus(status)) {
      return parser.refuse(errc::HPE_INVALID_STATUS, "The status is below 100");
    }
    parser.facts_.status = status;
    parser.facts_.reason = span(reason);
    parser.facts_.version = version;
    return true;
  }

  bool onFieldLine(Field field, std::string_view name, std::string_view value) {
    const FieldSpan line{place(name), static_cast<std::uint32_t>(name.size()), place(value),
                         static_cast<std::uint32_t>(value.size())};
    return parser.acceptField(line, knownHeader(field), value);
  }
};

SLUICE_DECL void MessageParser::reset(ParserLimits limits) {
  // Offsets are 32 bits wide, and blank lines come on top of the head.
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max() - 2 * maxBlankBytes;
  limits_ = limits;
  limits_.maxHeaderSize = std::min(limits.maxHeaderSize, most);
  if (limits.maxHeadersCount == 0) limits_.maxHeadersCount = most;
  stage_ = Stage::blankLines;
  triedWhole_ = byLine_ = answersHead_ = answersConnect_ = false;
  position_ = searched_ = 0;
  fault_ = {};
  facts_ = {};
  headers_.clear();
}

SLUICE_DECL MessageParser::Status MessageParser::parseHead(std::string_view input) {
  input_ = input.data();
  if (stage_ == Stage::blankLines) {
    const Status status = skipBlankLines(input);
    if (stage_ == Stage::blankLines) return status;
  }
  if (stage_ == Stage::startLine) {
    if (!triedWhole_ && parseWhole(input)) return Status::complete;
    const Status status = parseStartLine(input);
    if (stage_ == Stage::startLine) return status;
  }
  if (stage_ == Stage::fields) return parseFields(input);
  return stage_ == Stage::complete ? Status::complete : Status::failed;
}

SLUICE_DECL MessageParser::Status MessageParser::atEof() {
  if (stage_ == Stage::blankLines || stage_ == Stage::complete) return Status::complete;
  if (stage_ == Stage::failed) return Status::failed;
  return fail({errc::HPE_INVALID_EOF_STATE, "The connection ended within the headers"}, position_);
}

SLUICE_DECL MessageParser::Status MessageParser::fail(Fault fault, std::size_t position) {
  fault_ = fault;
  position_ = position;
  stage_ = Stage::failed;
  return Status::failed;
}

SLUICE_DECL MessageParser::Status MessageParser::overflow() {
  return fail({errc::HPE_HEADER_OVERFLOW, "The start line is larger than the limit"}, position_);
}

SLUICE_DECL bool MessageParser::refuse(errc code, std::string_view reason) {
  fault_ = {code, reason};
  return false;
}

// RFC 9112 §2.2: a server should skip at least one empty line in front of a request line.
SLUICE_DECL MessageParser::Status MessageParser::skipBlankLines(std::string_view input) {
  while (position_ + 1 < input.size() && input[position_] == '\r' && input[position_ + 1] == '\n') {
    position_ += 2;
  }
  if (position_ > maxBlankBytes) {
    const bool request = kind_ == Kind::request;
    return fail({request ? errc::HPE_INVALID_METHOD : errc::HPE_INVALID_CONSTANT,
                 "There are too many empty lines before the message"},
                maxBlankBytes);
  }
  const std::size_t rest = input.size() - position_;
  if (rest == 0 || (rest == 1 && input[position_] == '\r')) return Status::needMore;
  stage_ = Stage::startLine;
  searched_ = position_;
  limit_ = position_ + limits_.maxHeaderSize;
  return Status::needMore;
}

// The way of nearly every head: all of it is there, and nothing is wrong with it. If it does not
// get through, reading it by lines finds out which line is at fault, if any is.
BOOST_FORCEINLINE bool MessageParser::parseWhole(std::string_view input) {
  triedWhole_ = true;
  if (limits_.insecure) return false;
  const std::string_view head = input.substr(position_, limits_.maxHeaderSize);
  Events events{*this, head.data(), position_};
  const auto run = [&]<bool isRequest>(std::bool_constant<isRequest>) {
    HeadEngine<isRequest, Events> engine(events);
    if (engine.run(head) || !finishHead()) return false;
    position_ += engine.consumed();
    return true;
  };
  if (kind_ == Kind::request ? run(std::true_type{}) : run(std::false_type{})) {
    stage_ = Stage::complete;
    headers_.rebase(input_);
    return true;
  }
  fault_ = {};
  facts_ = {};
  headers_.clear();
  return false;
}

SLUICE_DECL MessageParser::Status MessageParser::parseStartLine(std::string_view input) {
  const std::string_view rest = input.substr(position_);
  const Fault early = kind_ == Kind::request ? methodFault(rest) : protocolFault(rest);
  if (early) return fail(early, position_);

  const void* const found = std::memchr(input.data() + searched_, '\n', input.size() - searched_);
  if (found == nullptr) {
    searched_ = input.size();
    return input.size() > limit_ ? overflow() : Status::needMore;
  }
  const auto lf = static_cast<std::size_t>(static_cast<const char*>(found) - input.data());
  if (lf >= limit_) return overflow();
  const bool lfAlone = input[lf - 1] != '\r';
  const std::string_view content = input.substr(position_, lf - position_ - (lfAlone ? 0 : 1));
  if (const error_code error = runStartLine(content)) {
    return fail(fault_ ? fault_ : startLineFault(content, error), position_);
  }
  // RFC 9112 §2.2: a recipient may take LF alone for the end of a line; it is where smuggling
  // begins.
  if (lfAlone && !limits_.insecure) {
    const bool request = kind_ == Kind::request;
    return fail({request ? errc::HPE_INVALID_VERSION : errc::HPE_CR_EXPECTED,
                 "LF without CR behind the start line"},
                position_);
  }
  position_ = lf + 1;
  stage_ = Stage::fields;
  byLine_ = true;
  lines_.reset(position_, limit_, limits_.insecure, true);
  return Status::needMore;
}

// `content` is the start line without its end. Beast reads a copy, in which it finds what it
// insists on and the rules do not.
SLUICE_DECL error_code MessageParser::runStartLine(std::string_view content) {
  using sluice::detail::isDigit;
  constexpr std::size_t versionSize = 8;  // "HTTP/1.1"
  constexpr std::size_t statusEnd = 12;   // "HTTP/1.1 200"
  scratch_.clear();
  scratch_.append(content.substr(0, statusEnd));
  // RFC 9112 §4: the SP in front of an absent phrase is often absent, too.
  const bool noPhrase =
      content.size() == statusEnd || (content.size() > statusEnd && content[statusEnd] == '\r');
  if (kind_ == Kind::response && noPhrase) scratch_.append(' ');
  scratch_.append(content.substr(std::min(content.size(), statusEnd)));

  int version = 0;
  if (limits_.insecure && scratch_.size() >= versionSize) {
    char* const text =
        scratch_.data() + (kind_ == Kind::request ? scratch_.size() - versionSize : 0);
    if (std::memcmp(text, "HTTP/", 5) == 0 && isDigit(text[5]) && text[6] == '.' &&
        isDigit(text[7])) {
      version = 10 * (text[5] - '0') + (text[7] - '0');
      text[5] = text[7] = '1';
    }
  }
  scratch_.append("\r\n\r\n");
  Events events{*this, scratch_.data(), position_};
  const error_code error = kind_ == Kind::request
                               ? HeadEngine<true, Events>(events).run(scratch_.view())
                               : HeadEngine<false, Events>(events).run(scratch_.view());
  if (version != 0) facts_.version = version;
  return error;
}

SLUICE_DECL Fault MessageParser::startLineFault(std::string_view content, error_code error) const {
  namespace beast = boost::beast::http;
  if (kind_ == Kind::request) {
    if (error == beast::error::bad_method) {
      return {errc::HPE_INVALID_METHOD, "There is no space behind the method"};
    }
    if (error == beast::error::bad_target) {
      return {errc::HPE_INVALID_URL, "The target is empty or has a character that is not allowed"};
    }
    const std::size_t target = content.find(' ') + 1;
    return versionFault(content.substr(content.find(' ', target) + 1));
  }
  if (error == beast::error::bad_line_ending) {
    return {errc::HPE_STRICT, "CR without LF in the status line"};
  }
  if (error == beast::error::bad_status) {
    return {errc::HPE_INVALID_STATUS, "The status is not a space and three digits"};
  }
  if (error == beast::error::bad_reason) {
    return {errc::HPE_INVALID_STATUS, "The phrase has a control character"};
  }
  return {errc::HPE_INVALID_VERSION, "The version is not HTTP/1.0 or HTTP/1.1 and a space"};
}

SLUICE_DECL MessageParser::Status MessageParser::parseFields(std::string_view input) {
  for (;;) {
    switch (lines_.next(input)) {
      case FieldLineReader::Result::needMore:
        return Status::needMore;
      case FieldLineReader::Result::failed:
        return fail(lines_.fault(), lines_.position());
      case FieldLineReader::Result::line:
        if (!acceptField(lines_.span(), knownHeader(lines_.name(input)), lines_.value(input))) {
          return fail(fault_, position_);
        }
        position_ = lines_.position();
        break;
      case FieldLineReader::Result::end:
        position_ = lines_.position();
        if (!finishHead()) return fail(fault_, position_);
        stage_ = Stage::complete;
        headers_.rebase(lines_.storage(input_));
        return Status::complete;
    }
  }
}

SLUICE_DECL bool MessageParser::acceptKnown(KnownHeader header, std::string_view value) {
  switch (header) {
    case KnownHeader::connection:
    case KnownHeader::proxyConnection:
      facts_.connection.add(value);
      return true;
    case KnownHeader::contentLength:
      return acceptContentLength(value);
    case KnownHeader::transferEncoding:
      return acceptTransferEncoding(value);
    case KnownHeader::upgrade:
      facts_.upgradeLine = true;
      return true;
    case KnownHeader::host:
      ++facts_.hostLines;
      facts_.hostInvalid |= !isHost(value);
      return true;
    case KnownHeader::expect:
      facts_.expect = true;
      facts_.expectContinue |= containsWord(value, "100-continue");
      return true;
    case KnownHeader::te:
      facts_.teChunked |= containsWord(value, "chunked");
      return true;
    default:
      return true;
  }
}

// RFC 9112 §6.3 (5): several lengths are refused, equal or not.
SLUICE_DECL bool MessageParser::acceptContentLength(std::string_view value) {
  if (facts_.contentLengthLine) {
    return refuse(errc::HPE_UNEXPECTED_CONTENT_LENGTH, "There are two Content-Length lines");
  }
  if (facts_.codings.present() && !limits_.insecure) {
    return refuse(errc::HPE_INVALID_CONTENT_LENGTH, "Content-Length beside Transfer-Encoding");
  }
  const std::optional<std::uint64_t> length = http::detail::contentLength(value);
  if (!length) {
    return refuse(errc::HPE_INVALID_CONTENT_LENGTH, "Content-Length is no number below 2^64");
  }
  facts_.contentLengthLine = true;
  facts_.contentLength = *length;
  return true;
}

// RFC 9112 §6.1: beside Content-Length, or in a request of HTTP/1.0, whose sender can hardly mean
// it.
SLUICE_DECL bool MessageParser::acceptTransferEncoding(std::string_view value) {
  if (facts_.contentLengthLine && !limits_.insecure) {
    return refuse(errc::HPE_INVALID_TRANSFER_ENCODING, "Transfer-Encoding beside Content-Length");
  }
  if (kind_ == Kind::request && isHttp10() && !limits_.insecure) {
    return refuse(errc::HPE_INVALID_TRANSFER_ENCODING, "Transfer-Encoding in an HTTP/1.0 request");
  }
  facts_.codings.add(value);
  return true;
}

// RFC 9112 §6.3 (1, 2); RFC 9110 §9.3.6: what follows CONNECT is the tunnel's.
SLUICE_DECL bool MessageParser::hasNoBody() const {
  if (kind_ == Kind::request) return isConnect();
  const int status = facts_.status;
  return answersHead_ || status / 100 == 1 || status == 204 || status == 304 ||
         (answersConnect_ && status / 100 == 2);
}

// RFC 9112 §6.3 (3 to 8), judged over all lines together.
SLUICE_DECL bool MessageParser::findFraming() {
  const bool request = kind_ == Kind::request;
  if (facts_.codings.present()) {
    if (facts_.codings.delimits()) {
      facts_.framing = Framing::chunked;
    } else if (limits_.insecure || (!request && facts_.codings.runsToClose())) {
      facts_.framing = Framing::untilClose;
    } else {
      return refuse(errc::HPE_INVALID_TRANSFER_ENCODING, "The last coding is not chunked, once");
    }
  } else if (facts_.contentLengthLine) {
    facts_.framing = facts_.contentLength == 0 ? Framing::none : Framing::sized;
  } else {
    facts_.framing = request ? Framing::none : Framing::untilClose;
  }
  if (hasNoBody()) facts_.framing = Framing::none;
  return true;
}

SLUICE_DECL bool MessageParser::finishHead() {
  if (!findFraming()) return false;
  // RFC 9112 §9.3: `close` wins, in HTTP/1.0 as well.
  const bool wanted = !isHttp10() || facts_.connection.keepAlive;
  // RFC 9112 §6.1: after a message whose length two parties may see differently, nothing is safe.
  const bool doubtful = facts_.codings.present() && (facts_.contentLengthLine || isHttp10());
  facts_.keepAlive =
      wanted && !facts_.connection.close && !doubtful && facts_.framing != Framing::untilClose;
  return true;
}

SLUICE_DECL HostProblem MessageParser::hostProblem() const {
  if (facts_.hostLines > 1) return HostProblem::repeated;
  if (facts_.hostInvalid) return HostProblem::invalid;
  const bool needed = !isHttp10() && !isConnect();
  return facts_.hostLines == 0 && needed ? HostProblem::missing : HostProblem::none;
}

}  // namespace sluice::http::detail
