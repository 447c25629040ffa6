// SPDX-License-Identifier: BSL-1.0
//
// Definitions of message_reader.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <sluice/http/detail/message/message_reader.hpp>

namespace sluice::http::detail {

SLUICE_DECL void MessageReader::attach(net::detail::SocketCore* socket) {
  socket_ = socket;
  end = {};
  if (socket == nullptr) {
    input.dropAll();
    input.release();
  }
}

SLUICE_DECL void MessageReader::beginMessage(const ParserLimits& newLimits) {
  limits = newLimits;
  input.startMessage(socket_->reading());
  parser.reset(limits);
}

SLUICE_DECL bool MessageReader::readMore(asio::mutable_buffer room) {
  const std::size_t count = socket_->readMore(room);
  input.commit(count);
  return count != 0;
}

SLUICE_DECL MessageReader::Status MessageReader::parseHead() {
  Status status = parser.parseHead(input.unparsed());
  while (status == Status::needMore && socket_->mayReadMore() && !end && readMore(roomForHead())) {
    status = parser.parseHead(input.unparsed());
  }
  return status;
}

SLUICE_DECL void MessageReader::beginBody() {
  input.keepHead(parser.consumed());
  body.reset(parser.framing(), parser.contentLength(), limits);
}

SLUICE_DECL MessageReader::Piece MessageReader::takePiece() {
  using BodyStatus = BodyDecoder::Status;
  Piece piece;
  do {
    // The piece before is done with; what is left of framing behind the last one is moved.
    if (input.empty() && !socket_->reading()) input.reclaim();
    piece = body.decode(input.unparsed());
    input.take(piece.consumed);
    if (piece.data.empty() && !socket_->reading()) input.reclaim();
  } while (piece.status == BodyStatus::needMore && piece.data.empty() && socket_->mayReadMore() &&
           !end && readMore(roomForBody()));
  if (piece.status == BodyStatus::needMore && piece.data.empty() && end) {
    piece.status = end == asio::error::eof ? body.atEof() : BodyStatus::failed;
  }
  return piece;
}

SLUICE_DECL bool MessageReader::bodyWasCut() const {
  return (end && end != asio::error::eof) || body.error() == errc::HPE_INVALID_EOF_STATE;
}

SLUICE_DECL error_code MessageReader::bodyFailure() const {
  return bodyWasCut() ? make_error_code(boost::system::errc::connection_reset) : body.error();
}

}  // namespace sluice::http::detail
