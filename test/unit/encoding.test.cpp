// SPDX-License-Identifier: BSL-1.0
//
// The encodings against tables that Node 20 printed, and the streaming decoder against toText() in
// every way of cutting the bytes.
#include <cstddef>
#include <sluice/encoding.hpp>
#include <string>
#include <string_view>
#include <support/catch.hpp>
#include <vector>

using sluice::Encoding;
using sluice::StringDecoder;
using sluice::toBytes;
using sluice::toText;

namespace {

struct Row {
  std::string_view input, output;
};

std::string bytesOf(std::string_view digits) {
  std::string bytes;
  for (std::size_t index = 0; index + 1 < digits.size(); index += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(index, 2)), nullptr, 16));
  }
  return bytes;
}

std::string digitsOf(std::string_view bytes) {
  std::string digits;
  for (const char byte : bytes) {
    digits += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
    digits += "0123456789abcdef"[static_cast<unsigned char>(byte) & 0xF];
  }
  return digits;
}

// Malformed sequences are those of Unicode 15 section 3.9, tables 3-8 to 3-11, and each way of
// being cut off.
const std::vector<Row> utf8Rows = {
    {"", ""},
    {"41", "A"},
    {"c3a9", "\u00E9"},
    {"e282ac", "\u20AC"},
    {"f09f9880", "\U0001F600"},
    {"80", "\uFFFD"},
    {"bf80", "\uFFFD\uFFFD"},
    {"c0af", "\uFFFD\uFFFD"},
    {"c1bf", "\uFFFD\uFFFD"},
    {"c2", "\uFFFD"},
    {"c241", "\uFFFDA"},
    {"e0", "\uFFFD"},
    {"e080af", "\uFFFD\uFFFD\uFFFD"},
    {"e0a0", "\uFFFD"},
    {"e0a041", "\uFFFDA"},
    {"e28241", "\uFFFDA"},
    {"ed9fbf", "\uD7FF"},
    {"eda080", "\uFFFD\uFFFD\uFFFD"},
    {"edb080", "\uFFFD\uFFFD\uFFFD"},
    {"eda0bdedb880", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"},
    {"ee8080", "\uE000"},
    {"efbfbd", "\uFFFD"},
    {"efbbbf41", "\uFEFFA"},
    {"f0", "\uFFFD"},
    {"f08080af", "\uFFFD\uFFFD\uFFFD\uFFFD"},
    {"f09f", "\uFFFD"},
    {"f09f98", "\uFFFD"},
    {"f09f9841", "\uFFFDA"},
    {"f09f98f09f9880", "\uFFFD\U0001F600"},
    {"f48fbfbf", "\U0010FFFF"},
    {"f4908080", "\uFFFD\uFFFD\uFFFD\uFFFD"},
    {"f5808080", "\uFFFD\uFFFD\uFFFD\uFFFD"},
    {"f8888080", "\uFFFD\uFFFD\uFFFD\uFFFD"},
    {"ff41fe", "\uFFFDA\uFFFD"},
    {"41c341", "A\uFFFDA"},
    {"e2e2e282ac", "\uFFFD\uFFFD\u20AC"},
    {"61f18080e180c262806380bf64", "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd"},
    {"414243444546474849c3a94142434445464748ff4142434445464748",
     "ABCDEFGHI\u00E9ABCDEFGH\uFFFDABCDEFGH"},
};

const std::vector<Row> utf16Rows = {
    {"", ""},
    {"41", ""},
    {"4100", "A"},
    {"410042", "A"},
    {"ac20", "\u20AC"},
    {"3dd800de", "\U0001F600"},
    {"ffdbffdf", "\U0010FFFF"},
    {"fffe", "\uFEFF"},
    {"3dd8", "\uFFFD"},
    {"3dd841", "\uFFFD"},
    {"00de", "\uFFFD"},
    {"00de3dd8", "\uFFFD\uFFFD"},
    {"3dd83dd800de", "\uFFFD\U0001F600"},
    {"3dd84100", "\uFFFDA"},
};

std::vector<std::string> samples() {
  std::vector<std::string> all;
  for (const Row& row : utf8Rows) all.push_back(bytesOf(row.input));
  for (const Row& row : utf16Rows) all.push_back(bytesOf(row.input));
  all.push_back(toBytes("A\u00E9\u20AC\U0001F600z\U00010000", Encoding::utf16le));
  return all;
}

const std::vector<Encoding> everyEncoding = {Encoding::utf8,   Encoding::latin1,    Encoding::ascii,
                                             Encoding::base64, Encoding::base64url, Encoding::hex,
                                             Encoding::utf16le};

}  // namespace

TEST_CASE("toText(utf8) replaces the maximal subpart of what is malformed", "[encoding]") {
  for (const Row& row : utf8Rows) {
    INFO(row.input);
    CHECK(toText(bytesOf(row.input), Encoding::utf8) == row.output);
  }
}

TEST_CASE("toText(utf8) keeps a malformed byte apart wherever it stands", "[encoding]") {
  const std::string good = "0123456789 \u00E9 0123456789 \U0001F600 0123456789";
  for (std::size_t index = 0; index <= good.size(); ++index) {
    if (index < good.size() && (static_cast<unsigned char>(good[index]) & 0xC0) == 0x80) continue;
    const std::string before = good.substr(0, index);
    const std::string after = good.substr(index);
    CHECK(toText(before + '\xFF' + after, Encoding::utf8) == before + "\uFFFD" + after);
  }
}

TEST_CASE("toText(utf16le) joins pairs, replaces lone surrogates, drops an odd byte",
          "[encoding]") {
  for (const Row& row : utf16Rows) {
    INFO(row.input);
    CHECK(toText(bytesOf(row.input), Encoding::utf16le) == row.output);
  }
}

TEST_CASE("toText() of the encodings that take any byte", "[encoding]") {
  const std::string bytes = bytesOf("00417f80c3e9ff");
  CHECK(toText(bytes, Encoding::latin1) == std::string("\0A\x7F\u0080\u00C3\u00E9\u00FF", 11));
  CHECK(toText(bytes, Encoding::ascii) == std::string("\0A\x7F\0Ci\x7F", 7));
  CHECK(toText(bytes, Encoding::hex) == "00417f80c3e9ff");
  CHECK(toText(bytes, Encoding::base64) == "AEF/gMPp/w==");
  CHECK(toText(bytes, Encoding::base64url) == "AEF_gMPp_w");
}

TEST_CASE("toText(base64) pads to four characters, base64url does not", "[encoding]") {
  CHECK(toText("", Encoding::base64).empty());
  CHECK(toText("\xFB", Encoding::base64) == "+w==");
  CHECK(toText("\xFB\xFF", Encoding::base64) == "+/8=");
  CHECK(toText("\xFB\xFF\xBF", Encoding::base64) == "+/+/");
  CHECK(toText("\xFB", Encoding::base64url) == "-w");
  CHECK(toText("\xFB\xFF", Encoding::base64url) == "-_8");
  CHECK(toText("\xFB\xFF\xBF", Encoding::base64url) == "-_-_");
}

TEST_CASE("toBytes(utf8) is the text as it is", "[encoding]") {
  for (const std::string& sample : samples()) CHECK(toBytes(sample, Encoding::utf8) == sample);
}

TEST_CASE("toBytes(latin1) and toBytes(ascii) give the low byte of each code unit", "[encoding]") {
  const std::vector<Row> rows = {
      {"", ""},
      {"A~", "417e"},
      {"\177\u0080", "7f80"},
      {"\u00E9\u00FF", "e9ff"},
      {"\u0100", "00"},
      {"\u20AC", "ac"},
      {"\U0001F600", "3d00"},
      {"\U0010FFFF", "ffff"},
      {"a\u0161b", "616162"},
  };
  for (const Row& row : rows) {
    INFO(row.input);
    CHECK(digitsOf(toBytes(row.input, Encoding::latin1)) == row.output);
    CHECK(digitsOf(toBytes(row.input, Encoding::ascii)) == row.output);
  }
}

TEST_CASE("toBytes(utf16le) gives each code unit, low byte first", "[encoding]") {
  const std::vector<Row> rows = {
      {"", ""},
      {"A~", "41007e00"},
      {"\177\u0080", "7f008000"},
      {"\u00E9\u00FF", "e900ff00"},
      {"\u0100", "0001"},
      {"\u20AC", "ac20"},
      {"\U0001F600", "3dd800de"},
      {"\U0010FFFF", "ffdbffdf"},
      {"a\u0161b", "610061016200"},
  };
  for (const Row& row : rows) {
    INFO(row.input);
    CHECK(digitsOf(toBytes(row.input, Encoding::utf16le)) == row.output);
  }
}

TEST_CASE("toBytes(hex) reads pairs up to the first that is malformed", "[encoding]") {
  const std::vector<Row> rows = {
      {"", ""},
      {"00ff10Ab", "00ff10ab"},
      {"AbCd", "abcd"},
      {"a", ""},
      {"abc", "ab"},
      {"abxx", "ab"},
      {"ab c", "ab"},
      {"zz", ""},
      {"0x12", ""},
      {"ab\u00E91", "ab"},
      {"\u0161b12", "ab12"},
      {"12\u0430", "12"},
      {"ff\U0001F600", "ff"},
  };
  for (const Row& row : rows) {
    INFO(row.input);
    CHECK(digitsOf(toBytes(row.input, Encoding::hex)) == row.output);
  }
}

TEST_CASE("toBytes(base64) reads both alphabets, skips junk and stops at the padding",
          "[encoding]") {
  const std::vector<Row> rows = {
      {"", ""},
      {"YWJj", "616263"},
      {"YWI=", "6162"},
      {"YWI", "6162"},
      {"YQ==", "61"},
      {"YQ=", "61"},
      {"YQ", "61"},
      {"Y", ""},
      {"YR==", "61"},
      {"-_-_", "fbffbf"},
      {"+/+/", "fbffbf"},
      {"-/+_", "fbffbf"},
      {" Y W\nJ j ", "616263"},
      {"YW$Jj", "616263"},
      {"YWJjZ", "616263"},
      {"YQ==YQ==", "61"},
      {"YWJj=YWJj", "616263"},
      {"=YWJj", ""},
      {"====", ""},
      {"YWJj====", "616263"},
      {"Y=W=J=j", ""},
      {"YW\u00E9", "61"},
      {"\u0161WJj", "696263"},
      {"YW\U0001F600Jj", "61"},
  };
  for (const Row& row : rows) {
    INFO(row.input);
    CHECK(digitsOf(toBytes(row.input, Encoding::base64)) == row.output);
    CHECK(digitsOf(toBytes(row.input, Encoding::base64url)) == row.output);
  }
}

TEST_CASE("toBytes() reads malformed UTF-8 as U+FFFD", "[encoding]") {
  CHECK(digitsOf(toBytes("a\xFFz", Encoding::utf16le)) == "6100fdff7a00");
  CHECK(digitsOf(toBytes("\xF0\x9F\x98", Encoding::utf16le)) == "fdff");
  CHECK(digitsOf(toBytes("a\xC3z", Encoding::latin1)) == "61fd7a");
  CHECK(digitsOf(toBytes("12\xC3"
                         "34",
                         Encoding::hex)) == "12");
}

TEST_CASE("every byte survives the way to text and back", "[encoding]") {
  std::string bytes;
  for (int value = 0; value < 256; ++value) bytes += static_cast<char>(value);
  for (const Encoding encoding :
       {Encoding::latin1, Encoding::base64, Encoding::base64url, Encoding::hex}) {
    for (std::size_t length = 0; length <= bytes.size(); ++length) {
      const std::string_view piece = std::string_view(bytes).substr(0, length);
      REQUIRE(toBytes(toText(piece, encoding), encoding) == piece);
    }
  }
}

TEST_CASE("a StringDecoder gives what toText() gives, wherever the bytes are cut in two or three",
          "[encoding]") {
  for (const Encoding encoding : everyEncoding) {
    for (const std::string& bytes : samples()) {
      const std::string_view view = bytes;
      const std::string whole = toText(bytes, encoding);
      for (std::size_t first = 0; first <= bytes.size(); ++first) {
        for (std::size_t second = first; second <= bytes.size(); ++second) {
          INFO(digitsOf(bytes) << " cut at " << first << " and " << second);
          StringDecoder decoder(encoding);
          std::string text(decoder.write(view.substr(0, first)));
          text += decoder.write(view.substr(first, second - first));
          text += decoder.write(view.substr(second));
          text += decoder.end();
          REQUIRE(text == whole);
        }
      }
    }
  }
}

TEST_CASE("a StringDecoder gives what toText() gives, byte by byte and in whole characters",
          "[encoding]") {
  for (const Encoding encoding : everyEncoding) {
    for (const std::string& bytes : samples()) {
      INFO(digitsOf(bytes));
      StringDecoder decoder(encoding);
      std::string text;
      for (const char byte : bytes) {
        const std::string piece(decoder.write(std::string_view(&byte, 1)));
        CHECK(toText(piece, Encoding::utf8) == piece);
        text += piece;
      }
      text += decoder.end();
      CHECK(text == toText(bytes, encoding));
    }
  }
}

TEST_CASE("a StringDecoder gives a character with its last byte", "[encoding]") {
  StringDecoder decoder;
  CHECK(decoder.write("a\xF0") == "a");
  CHECK(decoder.write("\x9F").empty());
  CHECK(decoder.write("\x98").empty());
  CHECK(decoder.write("\x80"
                      "b") == "\U0001F600b");
  CHECK(decoder.end().empty());
}

TEST_CASE("a StringDecoder replaces a broken character as soon as it is known to be broken",
          "[encoding]") {
  StringDecoder decoder;
  CHECK(decoder.write("\xE2\x82").empty());
  CHECK(decoder.write("a") ==
        "\uFFFD"
        "a");
  CHECK(decoder.write("\xE0").empty());
  CHECK(decoder.write("\x80") == "\uFFFD\uFFFD");
  CHECK(decoder.write("\xE2").empty());
  CHECK(decoder.write("\xF0") == "\uFFFD");
  CHECK(decoder.end() == "\uFFFD");
}

TEST_CASE("a StringDecoder never halves a surrogate pair", "[encoding]") {
  StringDecoder decoder(Encoding::utf16le);
  CHECK(decoder.write(bytesOf("3d")).empty());
  CHECK(decoder.write(bytesOf("d8")).empty());
  CHECK(decoder.write(bytesOf("00")).empty());
  CHECK(decoder.write(bytesOf("de")) == "\U0001F600");
  CHECK(decoder.end().empty());
}

TEST_CASE("a StringDecoder pads base64 at the end only", "[encoding]") {
  StringDecoder decoder(Encoding::base64);
  CHECK(decoder.write("a").empty());
  CHECK(decoder.write("bcd") == "YWJj");
  CHECK(decoder.end() == "ZA==");
}

TEST_CASE("a StringDecoder is as new after end()", "[encoding]") {
  StringDecoder decoder;
  CHECK(decoder.write("\xE2\x82").empty());
  CHECK(decoder.end() == "\uFFFD");
  CHECK(decoder.end().empty());
  CHECK(decoder.write("\xE2\x82\xAC") == "\u20AC");
}

TEST_CASE("a StringDecoder does not copy well-formed UTF-8", "[encoding]") {
  StringDecoder decoder;
  const std::string_view bytes = "all is \u00E9 here \xE2";
  const std::string_view text = decoder.write(bytes);
  CHECK(text == "all is \u00E9 here ");
  CHECK(text.data() == bytes.data());
}
