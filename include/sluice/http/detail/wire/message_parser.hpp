// SPDX-License-Identifier: BSL-1.0
//
// Bytes in, the head of a message out: requests on a server, responses on a client. Beast's parser
// is the engine, and the rules of strictness.hpp are on top of it. A head that is there as a whole
// goes through it in one pass; one that arrives in pieces, and every head with insecureHTTPParser,
// goes line by line. Bodies are BodyDecoder's.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <cstdint>
#include <sluice/error.hpp>
#include <sluice/http/detail/wire/field_line_reader.hpp>
#include <sluice/http/detail/wire/header_block.hpp>
#include <sluice/http/detail/wire/strictness.hpp>
#include <string_view>

namespace sluice::http::detail {

struct ParserLimits {
  std::size_t maxHeaderSize = 0;    // bytes of a head, and of a trailer section
  std::size_t maxHeadersCount = 0;  // lines that are kept, 0: all
  bool insecure = false;            // insecureHTTPParser
};

/// What says where a body ends. RFC 9112 §6.3.
enum class Framing { none, sized, chunked, untilClose };

/// RFC 9112 §3.2: ordinary requests that are answered 400, no errors of the parser.
enum class HostProblem { none, missing, repeated, invalid };

/// The head of one message after the other; one object serves a connection for its whole life.
///
/// The caller owns one contiguous buffer. `input` is always what it holds from the first byte of
/// this message on, so at each call it has the same beginning and maybe more at its end. It may
/// have moved. A head that is there as a whole costs one pass over it; one that comes in pieces is
/// read line by line, so that a wrong line is refused as soon as its end is there. Either way gives
/// the same result for the same bytes, and nothing is allocated once the vector of lines has its
/// size.
class MessageParser {
 public:
  enum class Kind { request, response };
  enum class Status { needMore, complete, failed };

  explicit MessageParser(Kind kind) : kind_(kind) {}

  /// Makes ready for the next message.
  void reset(ParserLimits limits);

  /// Of the request that the next response answers: both change what counts as a body. RFC 9112
  /// §6.3 (1, 2). Set between reset() and the first byte.
  void setRequestMethod(std::string_view method) {
    answersHead_ = method == "HEAD";
    answersConnect_ = method == "CONNECT";
  }

  Status parseHead(std::string_view input);

  /// Nothing will follow `input`. Complete: no message had begun, the connection ended where it
  /// may.
  Status atEof();

  /// Bytes of the input up to the end of the head, blank lines in front included. Once complete.
  std::size_t consumed() const { return position_; }

  /// Whether a byte of a start line was seen; blank lines do not count.
  bool startedMessage() const { return stage_ != Stage::blankLines; }

  /// Once failed. bytesParsed(): where the wrong line begins.
  error_code error() const { return fault_.code; }
  std::string_view reason() const { return fault_.reason; }
  std::size_t bytesParsed() const { return position_; }

  /// The input stands somewhere else now.
  void rebase(const char* input) {
    input_ = input;
    headers_.rebase(byLine_ ? lines_.storage(input) : input);
  }

  // Once complete. Views are valid until the input moves without rebase(), and until reset().
  std::string_view method() const { return view(facts_.method); }
  std::string_view target() const { return view(facts_.target); }
  int statusCode() const { return facts_.status; }
  std::string_view statusMessage() const { return view(facts_.reason); }

  /// 10 * major + minor: 10 or 11, and any other two digits with `insecure`.
  int version() const { return facts_.version; }
  bool isHttp10() const { return facts_.version < 11; }

  bool isConnect() const { return facts_.isConnect; }
  bool isHead() const { return facts_.isHead; }

  Framing framing() const { return facts_.framing; }
  std::uint64_t contentLength() const { return facts_.contentLength; }

  /// Whether the head lets the connection live. RFC 9112 §9.3.
  bool keepAlive() const { return facts_.keepAlive; }

  /// What the first Keep-Alive line says of how long the connection is kept; empty without one.
  std::string_view keepAliveHint() const {
    return facts_.keepAliveLine == noLine ? std::string_view()
                                          : headers_.at(facts_.keepAliveLine).value;
  }

  /// Both Upgrade and `Connection: upgrade`. RFC 9110 §7.8: HTTP/1.0 has no upgrade.
  bool upgrade() const { return facts_.upgradeLine && facts_.connection.upgrade && !isHttp10(); }

  /// RFC 9110 §10.1.1: `Expect: 100-continue`, or an Expect that asks for something else only.
  bool expectContinue() const { return facts_.expect && facts_.expectContinue && !isHttp10(); }
  bool expectOther() const { return facts_.expect && !facts_.expectContinue && !isHttp10(); }

  /// TE names `chunked`: an HTTP/1.0 client that can read chunks all the same, as Node has it.
  bool teChunked() const { return facts_.teChunked; }

  /// CONNECT may do without Host. An upgrade may as well, if it is taken: then nobody asks.
  HostProblem hostProblem() const;

  const HeaderBlock& headers() const { return headers_; }

 private:
  //  blankLines ──► startLine ──► fields ──► complete
  //       └─────────────┴───────────┴──────► failed
  enum class Stage { blankLines, startLine, fields, complete, failed };

  static constexpr std::uint32_t noLine = UINT32_MAX;

  struct Span {
    std::uint32_t begin = 0, size = 0;
  };

  // All that is known of the message, so that nothing of the one before can be left over.
  struct Facts {
    Span method, target, reason;
    std::uint64_t contentLength = 0;
    int version = 0;
    int status = 0;
    Framing framing = Framing::none;
    unsigned hostLines = 0;
    bool isHead = false;
    bool isConnect = false;
    bool contentLengthLine = false;
    bool keepAlive = false;
    bool upgradeLine = false;
    bool expect = false;
    bool expectContinue = false;
    bool teChunked = false;
    bool hostInvalid = false;
    ConnectionHeader connection;
    std::uint32_t keepAliveLine = noLine;
    TransferCodings codings;
  };

  struct Events;

  std::string_view view(Span span) const { return {input_ + span.begin, span.size}; }
  Status fail(Fault fault, std::size_t position);
  Status overflow();
  Status skipBlankLines(std::string_view input);
  bool parseWhole(std::string_view input);
  Status parseStartLine(std::string_view input);
  Status parseFields(std::string_view input);
  error_code runStartLine(std::string_view content);
  Fault startLineFault(std::string_view content, error_code error) const;
  bool refuse(errc code, std::string_view reason);
  bool acceptField(const FieldSpan& span, KnownHeader header, std::string_view value);
  bool acceptKnown(KnownHeader header, std::string_view value);
  bool acceptContentLength(std::string_view value);
  bool acceptTransferEncoding(std::string_view value);
  bool finishHead();
  bool hasNoBody() const;
  bool findFraming();

  Kind kind_;
  Stage stage_ = Stage::blankLines;
  bool triedWhole_ = false;
  bool byLine_ = false;
  bool answersHead_ = false;
  bool answersConnect_ = false;
  ParserLimits limits_;

  const char* input_ = nullptr;
  std::size_t position_ = 0;  // where the line begins that is being read
  std::size_t searched_ = 0;  // no LF from position_ to here
  std::size_t limit_ = 0;     // offset in the input where the head must have ended
  Fault fault_;
  Facts facts_;
  HeaderBlock headers_;
  FieldLineReader lines_;
  net::detail::ByteBuffer scratch_;
};

}  // namespace sluice::http::detail
