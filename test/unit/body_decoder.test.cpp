// SPDX-License-Identifier: BSL-1.0
//
// The rules for bodies, each in every split of the input, and what the decoder promises a caller.
#include <sluice/http/detail/wire/body_decoder.hpp>
#include <string>
#include <support/catch.hpp>
#include <support/every_split.hpp>

using namespace sluice::http::detail;
using namespace sluice::test;

namespace {

using Status = BodyDecoder::Status;

const std::string start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string facts = "POST / 11 chunked\n| Host: a\n| Transfer-Encoding: chunked\n";

std::string chunks(const std::string& bytes) {
  const std::string text = request(start + bytes);
  return text.find(facts) == 0 ? text.substr(facts.size()) : text;
}

std::string chunksInsecure(const std::string& bytes) {
  const std::string text = insecureRequest(start + bytes);
  return text.find(facts) == 0 ? text.substr(facts.size()) : text;
}

BodyDecoder decoder(Framing framing, std::uint64_t length = 0) {
  BodyDecoder result;
  result.reset(framing, length, {.maxHeaderSize = 1000});
  return result;
}

}  // namespace

TEST_CASE("a chunk size is hex digits and nothing else", "[BodyDecoder][C1]") {
  CHECK(chunks("2\r\nab\r\n000A\r\n0123456789\r\n0\r\n\r\n") == "body ab0123456789\nend\n");
  const std::string bad = GENERATE("+1", "-1", "0x1", "x", "", " 1", "1 ", "1\t", "g", "1.");
  CHECK(verdict(chunks(bad + "\r\na\r\n0\r\n\r\n")) == "INVALID_CHUNK_SIZE");
}

TEST_CASE("insecure: a chunk size may have spaces behind it", "[BodyDecoder][C1][C3]") {
  CHECK(chunksInsecure("1  \r\na\r\n1 ;b\r\nc\r\n0 \r\n\r\n") == "body ac\nend\n");
  CHECK(verdict(chunksInsecure(" 1\r\n")) == "INVALID_CHUNK_SIZE");
  CHECK(verdict(chunksInsecure("1 1\r\n")) == "INVALID_CHUNK_SIZE");
}

TEST_CASE("a chunk size fits into 64 bits", "[BodyDecoder][C2]") {
  CHECK(verdict(chunks("10000000000000000\r\n")) == "INVALID_CHUNK_SIZE");
  CHECK(verdict(chunksInsecure("10000000000000000\r\n")) == "INVALID_CHUNK_SIZE");
  CHECK(chunks("ffffffffffffffff\r\na") == "body a\nneeds more body\n");
  CHECK(chunks("00000000000000000001\r\na\r\n0\r\n\r\n") == "body a\nend\n");
}

TEST_CASE("a semicolon or the line's end stands behind a chunk size", "[BodyDecoder][C3]") {
  CHECK(verdict(chunks("1 ;a\r\n")) == "INVALID_CHUNK_SIZE");
  CHECK(verdict(chunks("1=\r\n")) == "INVALID_CHUNK_SIZE");
}

TEST_CASE("a chunk extension is a token, and maybe a token or quoted string, without blanks",
          "[BodyDecoder][C4]") {
  CHECK(chunks("1;a\r\nx\r\n1;a=b;c=\"d e\\\"\\\\;\";f\r\ny\r\n0;g=h\r\n\r\n") == "body xy\nend\n");
  const std::string bad =
      GENERATE(";", ";;a", "; a", ";a =b", ";a= b", ";a ", ";=b", ";a=", ";a=b c", ";a=\"b\"c",
               ";a=\"b\" ", ";\"a\"", ";a;", ";a\x80");
  CHECK(verdict(chunks("1" + bad + "\r\nx\r\n0\r\n\r\n")) == "STRICT");
  CHECK(verdict(chunksInsecure("1" + bad + "\r\nx\r\n0\r\n\r\n")) == "STRICT");
}

TEST_CASE("a quoted string ends on its own line", "[BodyDecoder][C5]") {
  CHECK(verdict(chunks("1;a=\"b\r\nx\r\n")) == "STRICT");
  CHECK(verdict(chunks("1;a=\"b\\\r\nx\r\n")) == "STRICT");
  CHECK(verdict(chunksInsecure("1;a=\"b\r\n")) == "STRICT");
}

TEST_CASE("a quoted string has no control characters but tab", "[BodyDecoder][C6]") {
  const std::string control =
      GENERATE(std::string("\n"), std::string("\0", 1), std::string("\x7F"), std::string("\\\x01"));
  CHECK(verdict(chunks("1;a=\"" + control + "\"\r\nx\r\n")) == "STRICT");
  CHECK(chunks("1;a=\"\t\x80\"\r\nx\r\n0\r\n\r\n") == "body x\nend\n");
}

TEST_CASE("a chunk line ends in CRLF", "[BodyDecoder][C7]") {
  const std::string line = GENERATE("1", "1;a", "1;a=b", "1;a=\"b\"", "0");
  CHECK(verdict(chunks(line + "\nx")) == "CR_EXPECTED");
  CHECK(verdict(chunks(line + "\rx")) == "STRICT");
  CHECK(verdict(chunksInsecure(line + "\rx")) == "STRICT");
  CHECK(chunksInsecure("1;a\nx\r\n0\n\n") == "body x\nend\n");
}

TEST_CASE("exactly CRLF stands behind the data of a chunk", "[BodyDecoder][C8]") {
  CHECK(chunks("1\r\nab\r\n0\r\n\r\n") == "body a\nHPE_STRICT\n");
  CHECK(chunks("1\r\na\r0\r\n\r\n") == "body a\nHPE_STRICT\n");
  CHECK(chunks("1\r\na\n0\r\n\r\n") == "body a\nHPE_CR_EXPECTED\n");
  CHECK(chunksInsecure("1\r\na\n1\r\nb0\r\n\r\n") == "body ab\nend\n");
  CHECK(verdict(chunksInsecure("1\r\nax0\r\n\r\n")) == "INVALID_CHUNK_SIZE");
}

TEST_CASE("the last chunk is zeros, and garbage behind it is refused at once",
          "[BodyDecoder][C9]") {
  CHECK(chunks("000\r\n\r\n") == "end\n");
  CHECK(chunks("0;a\r\n\r\n") == "end\n");
  CHECK(verdict(chunks("0 x\r\n")) == "INVALID_CHUNK_SIZE");
  CHECK(verdict(chunks("0\r\nno trailer\r\n")) == "INVALID_HEADER_TOKEN");
}

TEST_CASE("trailers obey the rules for field lines", "[BodyDecoder][C10]") {
  CHECK(chunks("0\r\na:  b \r\nC:\r\n\r\n") == "+ a: b\n+ C: \nend\n");
  CHECK(verdict(chunks("0\r\n: b\r\n\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(chunks("0\r\na : b\r\n\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(chunks("0\r\na: \x01\r\n\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(chunks("0\r\na: b\n\r\n")) == "CR_EXPECTED");
  CHECK(verdict(chunks("0\r\na: b\rc\r\n\r\n")) == "LF_EXPECTED");
  CHECK(verdict(chunks("0\r\na: b\r\n c\r\n\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(chunks("0\r\n a: b\r\n\r\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(chunks("0\r\na: b\r\n\n")) == "INVALID_HEADER_TOKEN");
  CHECK(verdict(chunks("0\r\n\rX")) == "STRICT");
  CHECK(chunksInsecure("0\r\na: b\n c\x01\r\n\n") == "+ a: b c\x01\nend\n");
}

TEST_CASE("trailers above maxHeadersCount are dropped", "[BodyDecoder][F9]") {
  CHECK(everyWay(start + "0\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n",
                 {.limits = {.maxHeaderSize = 1000, .maxHeadersCount = 3}}) ==
        facts + "+ a: 1\n+ b: 2\n+ c: 3\nend\n");
}

TEST_CASE("digits and extensions of a chunk have 16 KiB, each chunk anew", "[BodyDecoder][C11]") {
  const std::string most = ";" + std::string(maxChunkLine - 2, 'a');
  CHECK(transcript({start, "1" + most + "\r\nx\r\n1" + most + "\r\ny\r\n0\r\n\r\n"}, {}) ==
        facts + "body xy\nend\n");
  CHECK(verdict(transcript({start, "1" + most + "a\r\n"}, {})) == "CHUNK_EXTENSIONS_OVERFLOW");
  CHECK(verdict(transcript({start, "1;a=\"" + most}, {})) == "CHUNK_EXTENSIONS_OVERFLOW");
  CHECK(verdict(transcript({start, std::string(maxChunkLine + 1, '0')}, {})) ==
        "CHUNK_EXTENSIONS_OVERFLOW");
}

TEST_CASE("the last chunk may arrive in any pieces", "[BodyDecoder][C12]") {
  CHECK(chunks("0\r\n\r\n" + start + "0\r\na: b\r\n\r\n") == "end\n" + facts + "+ a: b\nend\n");
}

TEST_CASE("trailers are apart from the headers and change nothing", "[BodyDecoder][B10][B11]") {
  CHECK(chunks("0\r\nConnection: close\r\nUpgrade: x\r\nHost: b\r\n\r\n" + start) ==
        "+ Connection: close\n+ Upgrade: x\n+ Host: b\nend\n" + facts + "needs more body\n");
  CHECK(verdict(chunks("0\r\nContent-Length: 5\r\n\r\n")) == "INVALID_CONTENT_LENGTH");
  CHECK(verdict(chunks("0\r\ntransfer-encoding: chunked\r\n\r\n")) == "INVALID_TRANSFER_ENCODING");
  CHECK(chunksInsecure("0\r\nContent-Length: x\r\nTransfer-Encoding:\r\n\r\n") ==
        "+ Content-Length: x\n+ Transfer-Encoding: \nend\n");
}

TEST_CASE("trailers have the limit of a head", "[BodyDecoder][L2]") {
  const std::string trailers = "a: " + std::string(200, 'b') + "\r\n\r\n";
  const auto withLimit = [&](std::size_t limit) {
    return everyWay(start + "0\r\n" + trailers, {.limits = {.maxHeaderSize = limit}});
  };
  CHECK(withLimit(trailers.size()) == facts + "+ a: " + std::string(200, 'b') + "\nend\n");
  CHECK(withLimit(trailers.size() - 1) == facts + "HPE_HEADER_OVERFLOW\n");
  CHECK(withLimit(100) == facts + "HPE_HEADER_OVERFLOW\n");
}

TEST_CASE("the end of the input in a body is an error, unless the body runs to the close",
          "[BodyDecoder][E2][E3]") {
  for (const std::string bytes : {"", "1", "1\r\na", "1\r\na\r\n", "0\r\n", "0\r\na: b\r\n"}) {
    CHECK(verdict(everyWay(start + bytes, {.eof = true})) == "INVALID_EOF_STATE");
  }
  BodyDecoder sized = decoder(Framing::sized, 3);
  CHECK(sized.decode("ab").status == Status::data);
  CHECK(sized.atEof() == Status::failed);
  CHECK(sized.error() == sluice::http::errc::HPE_INVALID_EOF_STATE);
  CHECK(sized.decode("c").status == Status::failed);

  BodyDecoder untilClose = decoder(Framing::untilClose);
  CHECK(untilClose.decode("ab").data == "ab");
  CHECK_FALSE(untilClose.complete());
  CHECK(untilClose.atEof() == Status::complete);
  CHECK(untilClose.complete());
}

TEST_CASE("a body that is not there is complete at once", "[BodyDecoder]") {
  const BodyDecoder::Piece piece = decoder(Framing::none).decode("GET");
  CHECK(piece.status == Status::complete);
  CHECK(piece.consumed == 0);
  CHECK(decoder(Framing::sized, 0).complete());
  BodyDecoder none = decoder(Framing::none);
  CHECK(none.atEof() == Status::complete);
}

TEST_CASE("a sized body says with its last piece that it is complete", "[BodyDecoder]") {
  BodyDecoder body = decoder(Framing::sized, 5);
  const std::string_view input = "helloGET";
  BodyDecoder::Piece piece = body.decode("");
  CHECK(piece.status == Status::needMore);
  piece = body.decode(input.substr(0, 2));
  CHECK(piece.status == Status::data);
  piece = body.decode(input.substr(2));
  CHECK(piece.status == Status::complete);
  CHECK(piece.data == "llo");
  CHECK(piece.consumed == 3);
}

TEST_CASE("a chunk and what ends the body behind it are one piece, in place", "[BodyDecoder]") {
  BodyDecoder body = decoder(Framing::chunked);
  const std::string_view input = "5\r\nhello\r\n0\r\n\r\nGET";
  const BodyDecoder::Piece piece = body.decode(input);
  CHECK(piece.status == Status::complete);
  CHECK(piece.data.data() == input.data() + 3);
  CHECK(piece.data == "hello");
  CHECK(piece.consumed == input.size() - 3);
}

TEST_CASE("each call brings the data of one chunk at most", "[BodyDecoder]") {
  BodyDecoder body = decoder(Framing::chunked);
  std::string_view input = "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n";
  BodyDecoder::Piece piece = body.decode(input);
  CHECK(piece.status == Status::data);
  CHECK(piece.data == "a");
  input.remove_prefix(piece.consumed);
  piece = body.decode(input);
  CHECK(piece.status == Status::complete);
  CHECK(piece.data == "bc");
  CHECK(piece.consumed == input.size());
}

TEST_CASE("data before an error is handed out before the error", "[BodyDecoder]") {
  BodyDecoder body = decoder(Framing::chunked);
  const BodyDecoder::Piece piece = body.decode("1\r\naXX");
  CHECK(piece.status == Status::data);
  CHECK(piece.data == "a");
  CHECK(piece.consumed == 4);
  CHECK(body.decode("XX").status == Status::failed);
  CHECK(body.error() == sluice::http::errc::HPE_STRICT);
  CHECK_FALSE(body.reason().empty());
}

TEST_CASE("one decoder reads body after body and forgets each", "[BodyDecoder]") {
  BodyDecoder body;
  for (int i = 0; i < 2; ++i) {
    body.reset(Framing::chunked, 0, {.maxHeaderSize = 1000});
    CHECK(body.decode("0\r\na: b\r\n\r\n").status == Status::complete);
    REQUIRE(body.trailers().size() == 1);
    CHECK(body.trailers().at(0).value == "b");
    body.reset(Framing::none, 0, {});
    CHECK(body.trailers().empty());
  }
}
