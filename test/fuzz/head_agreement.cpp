// SPDX-License-Identifier: BSL-1.0
//
// Fuzzes the two ways through a head against each other: as a whole, and line by line because its
// first byte came alone. They must agree about everything. The first byte of the input picks the
// side, the limits and what a response answers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <string>
#include <string_view>

using namespace sluice::http::detail;

namespace {

std::string found(const MessageParser& parser, MessageParser::Status status) {
  std::string text = "status " + std::to_string(static_cast<int>(status)) + '\n';
  const auto add = [&text](std::string_view what) { text.append(what).append("\n"); };
  const auto addNumber = [&add](std::uint64_t number) { add(std::to_string(number)); };
  if (status == MessageParser::Status::failed) {
    add(sluice::errorName(parser.error()));
    add(parser.reason());
    addNumber(parser.bytesParsed());
    return text;
  }
  if (status != MessageParser::Status::complete) return text;
  addNumber(parser.consumed());
  add(parser.method());
  add(parser.target());
  addNumber(static_cast<std::uint64_t>(parser.statusCode()));
  add(parser.statusMessage());
  addNumber(static_cast<std::uint64_t>(parser.version()));
  addNumber(static_cast<std::uint64_t>(parser.framing()));
  addNumber(parser.contentLength());
  addNumber(parser.keepAlive());
  add(parser.keepAliveHint());
  addNumber(parser.upgrade());
  addNumber(parser.expectContinue());
  addNumber(parser.expectOther());
  addNumber(parser.teChunked());
  addNumber(static_cast<std::uint64_t>(parser.hostProblem()));
  for (const sluice::http::RawHeader line : parser.headers()) {
    add(line.name);
    add(line.value);
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned mode = data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto kind = (mode & 1) != 0 ? MessageParser::Kind::response : MessageParser::Kind::request;
  ParserLimits limits;
  limits.insecure = (mode & 2) != 0;
  limits.maxHeaderSize = (mode & 4) != 0 ? 64 : 4096;
  limits.maxHeadersCount = (mode & 8) != 0 ? 2 : 0;
  const std::string_view method = (mode & 16) != 0 ? "HEAD" : (mode & 32) != 0 ? "CONNECT" : "GET";

  MessageParser whole(kind);
  whole.reset(limits);
  whole.setRequestMethod(method);
  const std::string once = found(whole, whole.parseHead(input));

  MessageParser lines(kind);
  lines.reset(limits);
  lines.setRequestMethod(method);
  // Empty lines in front belong to no message: a message that has begun is read by lines.
  MessageParser::Status status = MessageParser::Status::needMore;
  for (std::size_t count = 1;
       status == MessageParser::Status::needMore && !lines.startedMessage() && count < input.size();
       ++count) {
    status = lines.parseHead(input.substr(0, count));
  }
  if (status == MessageParser::Status::needMore) status = lines.parseHead(input);
  const std::string byLine = found(lines, status);

  if (once == byLine) return 0;
  std::cerr << "whole\n" << once << "--- but by lines\n" << byLine;
  std::abort();
}
