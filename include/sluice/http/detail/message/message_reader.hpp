// SPDX-License-Identifier: BSL-1.0
//
// The receiving half of a connection: the bytes of a socket in, heads and pieces of bodies out.
// Both ends have one. What is read when, and what becomes of it, is the connection's affair.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <sluice/config.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/message/input_buffer.hpp>
#include <sluice/http/detail/wire/body_decoder.hpp>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <sluice/net/detail/socket_core.hpp>

namespace sluice::http::detail {

class MessageReader {
 public:
  using Piece = BodyDecoder::Piece;
  using Status = MessageParser::Status;

  /// `least` is the room for a head to begin with.
  MessageReader(MessageParser::Kind kind, std::size_t least) : parser(kind), input(least) {}

  /// Whose bytes these are; null: nobody's, and what was known of another socket is forgotten.
  void attach(net::detail::SocketCore* socket);

  /// The next message begins with what is there.
  void beginMessage(const ParserLimits& newLimits);
  /// Reads on where the last read took all the room it had.
  Status parseHead();
  /// The head is complete and stays where it is; its body begins.
  void beginBody();
  /// What of the body has arrived; the piece before is not used any more. Failed as well where the
  /// input has ended too early.
  Piece takePiece();

  /// Why takePiece() failed: what came is no body, or ended too early.
  bool bodyWasCut() const;
  error_code bodyFailure() const;

  asio::mutable_buffer roomForHead() {
    // What is behind the head tells that it is too large.
    constexpr std::size_t behind = 1024;
    return input.prepareHead(std::min(limits.maxHeaderSize, unlimited - behind) + behind);
  }
  asio::mutable_buffer roomForBody() { return input.prepareBody(); }
  asio::mutable_buffer roomForNext() { return input.prepareNext(); }

  MessageParser parser;
  BodyDecoder body;
  InputBuffer input;
  ParserLimits limits;
  /// What the socket's reading side has come to.
  error_code end;

 private:
  bool readMore(asio::mutable_buffer room);

  net::detail::SocketCore* socket_ = nullptr;
};

}  // namespace sluice::http::detail
