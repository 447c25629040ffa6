// SPDX-License-Identifier: BSL-1.0
//
// Definitions of message_reader.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/message/message_reader.hpp>
#include <string>

namespace sluice::http::detail {

SLUICE_DECL void MessageReader::attach(net::detail::SocketCore* socket) {
  socket_ = socket;
  end_ = {};
  if (socket != nullptr) return;
  input_.takeBack();
  input_.dropAll();
  input_.release();
  state_ = State::idle;
}

SLUICE_DECL void MessageReader::beginMessage(const ParserLimits& limits,
                                             std::string_view requestMethod) {
  limits_ = limits;
  beginAfterInformation(requestMethod);
}

SLUICE_DECL void MessageReader::beginAfterInformation(std::string_view requestMethod) {
  input_.startMessage();
  parser_.reset(limits_);
  if (!requestMethod.empty()) parser_.setRequestMethod(requestMethod);
  state_ = State::head;
}

SLUICE_DECL void MessageReader::rest() {
  input_.startMessage();
  state_ = State::idle;
}

SLUICE_DECL MessageReader::Event MessageReader::nextHead() {
  using Status = MessageParser::Status;
  for (;;) {
    const Status status = parser_.parseHead(input_.unparsed());
    if (status == Status::complete) break;
    if (status == Status::failed) return Event::fault;
    if (readMore()) continue;
    if (!end_) return Event::needMore;
    return parser_.atEof() == Status::complete ? Event::end : Event::fault;
  }
  // It stays where it is; its body begins.
  input_.keepHead(parser_.consumed());
  body_.reset(parser_.framing(), parser_.contentLength(), limits_);
  bodyTaken_ = 0;
  state_ = parser_.framing() == Framing::none ? State::done : State::body;
  return Event::head;
}

SLUICE_DECL MessageReader::Part MessageReader::nextPiece() {
  if (state_ != State::body) return {.event = Event::end};
  using Status = BodyDecoder::Status;
  BodyDecoder::Piece piece;
  do {
    // The piece before is done with; what is left of framing after the last one is moved.
    if (input_.empty()) input_.reclaim();
    piece = body_.decode(input_.unparsed());
    input_.take(piece.consumed);
    bodyTaken_ += piece.consumed;
    if (piece.data.empty()) input_.reclaim();
  } while (piece.status == Status::needMore && piece.data.empty() && readMore());
  if (piece.status == Status::needMore && piece.data.empty() && end_) {
    piece.status = end_ == asio::error::eof ? body_.atEof() : Status::failed;
  }
  if (piece.status == Status::failed) return {.event = Event::fault};
  const bool last = piece.status == Status::complete;
  if (last) state_ = State::done;
  if (!piece.data.empty()) {
    return {.event = Event::piece, .data = piece.data, .last = last, .hold = input_.hold()};
  }
  return {.event = last ? Event::end : Event::needMore};
}

SLUICE_DECL Error MessageReader::fault() const {
  const bool head = state_ == State::head;
  const std::string_view reason = head ? parser_.reason() : body_.reason();
  return Error::parse(head ? parser_.error() : body_.error(), std::string(reason),
                      parser_.bytesParsed(), std::string(unread()));
}

SLUICE_DECL bool MessageReader::cut() const {
  if (end_ && end_ != asio::error::eof) return true;
  return (state_ == State::head ? parser_.error() : body_.error()) == errc::HPE_INVALID_EOF_STATE;
}

SLUICE_DECL error_code MessageReader::failure() const {
  return cut() ? make_error_code(boost::system::errc::connection_reset) : fault().code();
}

SLUICE_DECL asio::mutable_buffer MessageReader::roomForHead() {
  // What is after the head tells that it is too large.
  constexpr std::size_t after = 1024;
  return input_.prepareHead(std::min(limits_.maxHeaderSize, unlimited - after) + after);
}

SLUICE_DECL asio::mutable_buffer MessageReader::room() {
  if (state_ == State::body) return input_.prepareBody();
  if (state_ == State::done) return input_.prepareNext();
  return roomForHead();
}

// Reads on if the last read took all the room it had.
SLUICE_DECL bool MessageReader::readMore() {
  if (!socket_->mayReadMore() || end_) return false;
  const std::size_t count = socket_->readMore(room());
  input_.commit(count);
  return count != 0;
}

SLUICE_DECL bool MessageReader::startRead() {
  if (socket_->reading() || end_) return false;
  const asio::mutable_buffer buffer = room();
  if (buffer.size() == 0) return false;
  socket_->startRead(buffer);
  return true;
}

SLUICE_DECL bool MessageReader::readWithoutBuffer() {
  if (!socket_->readWithoutBuffer()) return false;
  input_.takeBack();
  return true;
}

SLUICE_DECL void MessageReader::received(const error_code& ec, std::size_t count) {
  input_.commit(count);
  if (ec && ec != asio::error::operation_aborted) end_ = ec;
}

}  // namespace sluice::http::detail
