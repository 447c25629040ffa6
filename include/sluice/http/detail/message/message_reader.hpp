// SPDX-License-Identifier: BSL-1.0
//
// The receiving half of a connection: the bytes of a socket in, heads and pieces of bodies out.
// Both ends have one. What is read when, and what becomes of it, is decided by the connection.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <cstdint>
#include <sluice/error.hpp>
#include <sluice/http/detail/message/input_buffer.hpp>
#include <sluice/http/detail/wire/body_decoder.hpp>
#include <sluice/http/detail/wire/message_parser.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <string_view>

namespace sluice::http::detail {

class MessageReader {
 public:
  enum class Event {
    needMore,  // nothing is there
    head,      // head() is known; its body follows
    piece,     // a part of the body
    end,       // of the body; before a head: of the connection, between two messages
    fault      // what came is no message, or ended too early: fault()
  };

  struct Part {
    Event event = Event::needMore;
    /// Of a piece. Stays as it is until the next call, and for as long as `hold` is kept.
    std::string_view data = {};
    /// The body ends with this piece.
    bool last = false;
    InputBuffer::Hold hold = nullptr;
  };

  /// `least` is the room for a head to begin with.
  MessageReader(MessageParser::Kind kind, std::size_t least) : parser_(kind), input_(least) {}

  /// Whose bytes these are; null: nobody's, and what was known of another socket is forgotten.
  void attach(net::detail::SocketCore* socket);

  /// The next message begins with what is there. `requestMethod` is that of the request which a
  /// response answers.
  void beginMessage(const ParserLimits& limits, std::string_view requestMethod = {});
  /// The message before was a 1xx: the response is still to come.
  void beginAfterInformation(std::string_view requestMethod);
  /// No message is expected for a while: memory is given back.
  void rest();

  /// While a message begins: head, needMore, end or fault.
  Event nextHead();
  /// While its body comes: what has come since the last call.
  Part nextPiece();

  /// Once nextHead() has brought it, until the next message begins.
  const MessageParser& head() const { return parser_; }
  /// What was taken of the message so far, its head included.
  std::uint64_t taken() const { return parser_.consumed() + bodyTaken_; }
  /// Once the body has ended.
  const HeaderBlock& trailers() const { return body_.trailers(); }
  /// What nextHead() or nextPiece() has found.
  Error fault() const;
  /// The fault is that the connection ended or broke too early.
  bool cut() const;
  /// What the message fails with: its own fault, or ECONNRESET if it was cut.
  error_code failure() const;

  /// nextHead() would find nothing new, before the first byte of a message.
  bool isQuiet() const { return input_.empty() && !end_ && !socket_->mayReadMore(); }
  /// A byte of the head has come.
  bool started() const { return state_ == State::head && parser_.startedMessage(); }
  /// Nothing waits to be read.
  bool empty() const { return input_.empty(); }
  std::string_view unread() const { return input_.unparsed(); }
  void dropUnread() { input_.dropAll(); }
  /// More of the body is missing than waits to be read.
  bool missesMore() const { return input_.empty() || body_.remaining() > unread().size(); }

  /// Begins to read what the next call asks for. false: there is no room, or a read is under way
  /// already.
  bool startRead();
  /// The read that is under way gives its buffer up, or one without a buffer starts.
  bool readWithoutBuffer();
  /// A read has ended.
  void received(const error_code& ec, std::size_t count);
  /// What the socket's reading side has come to.
  const error_code& end() const { return end_; }

 private:
  // idle ──► head ──► body ──► done ──► idle, head …
  enum class State : unsigned char { idle, head, body, done };

  asio::mutable_buffer room();
  asio::mutable_buffer roomForHead();
  bool readMore();

  MessageParser parser_;
  BodyDecoder body_;
  InputBuffer input_;
  ParserLimits limits_;
  error_code end_;
  net::detail::SocketCore* socket_ = nullptr;
  std::uint64_t bodyTaken_ = 0;
  State state_ = State::idle;
};

}  // namespace sluice::http::detail
