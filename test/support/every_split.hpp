// SPDX-License-Identifier: BSL-1.0
//
// What the reading side makes of bytes, as text, and the ways in which the same bytes can arrive:
// whole, cut in two at every place, byte by byte. However they come, the text must be the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <sluice/http/detail/wire/body_decoder.hpp>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::test {

using Pieces = std::vector<std::string_view>;
using http::detail::MessageParser;
using http::detail::ParserLimits;

struct Reading {
  MessageParser::Kind kind = MessageParser::Kind::request;
  ParserLimits limits{.maxHeaderSize = 8192, .maxHeadersCount = 2000, .insecure = false};
  std::string_view requestMethod{};  // what a response answers
  bool eof = false;                  // the connection ends behind the last piece
};

/// Calls `use` with each way to cut `bytes`.
template <class Use>
void everySplit(std::string_view bytes, Use&& use) {
  use(Pieces{bytes});
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    use(Pieces{bytes.substr(0, at), bytes.substr(at)});
  }
  Pieces single;
  for (std::size_t at = 0; at < bytes.size(); ++at) single.push_back(bytes.substr(at, 1));
  use(single);
}

/// Reads one message after the other from pieces, as a connection would, and writes down what it
/// learns. After each piece the bytes stand somewhere else, as in a buffer that grows.
class Transcript {
 public:
  explicit Transcript(const Reading& reading) : reading_(reading), parser_(reading.kind) {
    nextMessage();
  }

  void feed(std::string_view piece) {
    auto moved = std::make_unique<char[]>(size_ + piece.size());
    if (size_ != 0) std::copy_n(bytes_.get(), size_, moved.get());
    std::copy(piece.begin(), piece.end(), moved.get() + size_);
    bytes_ = std::move(moved);
    size_ += piece.size();
    while (step()) {
    }
  }

  void eof() {
    if (stage_ == Stage::head && parser_.atEof() == MessageParser::Status::failed) {
      fail(parser_.error());
    } else if (stage_ == Stage::head) {
      text_ += "eof\n";
    } else if (stage_ == Stage::body) {
      if (body_.atEof() == http::detail::BodyDecoder::Status::failed) return fail(body_.error());
      endOfMessage();
    }
  }

  std::string text() const {
    if (stage_ == Stage::head && parser_.startedMessage()) return text_ + "needs more head\n";
    if (stage_ == Stage::body) return text_ + data() + "needs more body\n";
    return text_;
  }

 private:
  enum class Stage { head, body, over };

  std::string_view input() const { return {bytes_.get() + begin_, size_ - begin_}; }

  void nextMessage() {
    parser_.reset(reading_.limits);
    parser_.setRequestMethod(reading_.requestMethod);
    stage_ = Stage::head;
  }

  bool step() {
    if (input().empty()) return false;
    if (stage_ == Stage::head) return head();
    if (stage_ == Stage::body) return body();
    if (!closing_) return false;
    // Line ends behind a message are no message. What is said here was said by
    // HPE_CLOSED_CONNECTION.
    const std::size_t other = input().find_first_not_of("\r\n");
    begin_ += std::min(other, input().size());
    if (other == std::string_view::npos) return false;
    closing_ = false;
    text_ += "bytes behind the end\n";
    return false;
  }

  bool head() {
    switch (parser_.parseHead(input())) {
      case MessageParser::Status::needMore:
        return false;
      case MessageParser::Status::failed:
        fail(parser_.error());
        text_ += "at " + std::to_string(begin_ + parser_.bytesParsed()) + "\n";
        return false;
      case MessageParser::Status::complete:
        break;
    }
    // The head must be readable where the bytes stand after they moved once more.
    const std::string copy(input().substr(0, parser_.consumed()));
    parser_.rebase(copy.data());
    describe();
    parser_.rebase(input().data());
    begin_ += parser_.consumed();
    upgraded_ = parser_.isConnect() || (parser_.upgrade() && parser_.statusCode() <= 101);
    body_.reset(parser_.framing(), parser_.contentLength(), reading_.limits);
    stage_ = Stage::body;
    return body_.complete() ? body() : true;
  }

  bool body() {
    const http::detail::BodyDecoder::Piece piece = body_.decode(input());
    data_ += piece.data;
    begin_ += piece.consumed;
    if (piece.status == http::detail::BodyDecoder::Status::failed) {
      fail(body_.error());
      return false;
    }
    if (piece.status == http::detail::BodyDecoder::Status::complete) endOfMessage();
    return piece.status != http::detail::BodyDecoder::Status::needMore;
  }

  void describe() {
    if (reading_.kind == MessageParser::Kind::request) {
      text_ += std::string(parser_.method()) + " " + std::string(parser_.target());
    } else {
      text_ +=
          std::to_string(parser_.statusCode()) + " [" + std::string(parser_.statusMessage()) + "]";
    }
    text_ += " " + std::to_string(parser_.version());
    if (!parser_.keepAlive()) text_ += " close";
    if (parser_.upgrade()) text_ += " upgrade";
    if (parser_.expectContinue()) text_ += " continue";
    if (parser_.expectOther()) text_ += " expect";
    if (parser_.teChunked()) text_ += " te";
    constexpr std::string_view problems[] = {"", " no-host", " hosts", " bad-host"};
    if (reading_.kind == MessageParser::Kind::request) {
      text_ += problems[static_cast<std::size_t>(parser_.hostProblem())];
    }
    constexpr std::string_view framings[] = {"", " sized", " chunked", " until-close"};
    text_ += framings[static_cast<std::size_t>(parser_.framing())];
    if (parser_.framing() == http::detail::Framing::sized) {
      text_ += "=" + std::to_string(parser_.contentLength());
    }
    text_ += "\n";
    describe(parser_.headers(), "| ");
  }

  void describe(const http::detail::HeaderBlock& block, std::string_view mark) {
    for (const http::RawHeader line : block) {
      text_ += std::string(mark) + std::string(line.name) + ": " + std::string(line.value) + "\n";
    }
  }

  std::string data() const { return data_.empty() ? "" : "body " + data_ + "\n"; }

  void endOfMessage() {
    text_ += data();
    data_.clear();
    describe(body_.trailers(), "+ ");
    text_ += "end\n";
    if (upgraded_ || (!parser_.keepAlive() && !reading_.limits.insecure)) {
      stage_ = Stage::over;
      closing_ = !upgraded_;
    } else {
      nextMessage();
    }
  }

  void fail(error_code error) {
    text_ += data() + std::string(http::errorName(error)) + "\n";
    stage_ = Stage::over;
  }

  Reading reading_;
  MessageParser parser_;
  http::detail::BodyDecoder body_;
  Stage stage_ = Stage::head;
  bool upgraded_ = false;
  bool closing_ = false;
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t begin_ = 0;
  std::string data_;
  std::string text_;
};

inline std::string transcript(const Pieces& pieces, const Reading& reading) {
  Transcript result(reading);
  for (const std::string_view piece : pieces) result.feed(piece);
  if (reading.eof) result.eof();
  return result.text();
}

/// The transcript of `bytes` if it is the same for all splits; else one that differs, and where.
inline std::string everyWay(std::string_view bytes, const Reading& reading = {}) {
  const std::string whole = transcript({bytes}, reading);
  std::string other;
  everySplit(bytes, [&](const Pieces& pieces) {
    const std::string text = transcript(pieces, reading);
    if (text != whole && other.empty()) {
      other = "first piece " + std::to_string(pieces.front().size()) + " bytes:\n" + text;
    }
  });
  return other.empty() ? whole : whole + "--- but with the " + other;
}

/// The name of the error in a transcript, without "HPE_"; the whole of it where there is none, or
/// where the splits differ.
inline std::string verdict(const std::string& text) {
  const std::size_t name = text.find("HPE_");
  if (name == std::string::npos || text.find("--- but") != std::string::npos) return text;
  return text.substr(name + 4, text.find('\n', name) - name - 4);
}

inline std::string request(std::string_view bytes) { return everyWay(bytes); }

inline std::string insecureRequest(std::string_view bytes) {
  Reading reading;
  reading.limits.insecure = true;
  return everyWay(bytes, reading);
}

inline std::string response(std::string_view bytes, std::string_view requestMethod = "GET") {
  return everyWay(bytes, {.kind = MessageParser::Kind::response, .requestMethod = requestMethod});
}

inline std::string insecureResponse(std::string_view bytes) {
  Reading reading{.kind = MessageParser::Kind::response, .requestMethod = "GET"};
  reading.limits.insecure = true;
  return everyWay(bytes, reading);
}

/// A response behind which the connection ends.
inline std::string lastResponse(std::string_view bytes, std::string_view requestMethod = "GET") {
  return everyWay(
      bytes, {.kind = MessageParser::Kind::response, .requestMethod = requestMethod, .eof = true});
}

}  // namespace sluice::test
