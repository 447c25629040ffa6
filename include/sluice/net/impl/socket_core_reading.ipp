// SPDX-License-Identifier: BSL-1.0
//
// Definitions of socket_core.hpp: what is read, for the socket's user or as a raw socket's own.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <sluice/detail/post.hpp>
#include <sluice/net/detail/socket_core.hpp>

namespace sluice::net::detail {

// One read of a raw socket takes at most this much.
inline constexpr std::size_t ownBufferSize = 16 * 1024;

SLUICE_DECL void SocketCore::read(asio::mutable_buffer buffer, ReadBy by) {
  readBy_ = by;
  room_ = static_cast<std::uint32_t>(std::min<std::size_t>(buffer.size(), UINT32_MAX));
  transport_->read(buffer);
}

SLUICE_DECL void SocketCore::startRead(asio::mutable_buffer buffer) {
  if (!holdsBytes()) {
    read(buffer, ReadBy::user);
    return;
  }
  // As any read it ends later.
  readBy_ = ReadBy::user;
  raw_->heldGoesTo = buffer;
  due_.held = true;
  atTurnEnd();
}

SLUICE_DECL void SocketCore::readHeld() {
  if (!userReads()) return;
  readBy_ = ReadBy::nobody;
  if (lingering()) {
    readOwn();
  } else if (user_ != nullptr) {
    const std::size_t count = takeHeld(raw_->heldGoesTo);
    room_ = count == raw_->heldGoesTo.size() ? 1 : 0;
    user_->onInput({}, count);
  }
}

SLUICE_DECL bool SocketCore::readWithoutBuffer() {
  if (holdsBytes() || due_.held || (reading() && !userReads())) return false;
  if (!transport_->readWithoutBuffer()) return false;
  // What it tells is that there is more than it has taken, which is nothing.
  room_ = 0;
  if (!reading()) {
    readBy_ = ReadBy::user;
    transport_->read({});
  }
  return true;
}

SLUICE_DECL std::size_t SocketCore::readMore(asio::mutable_buffer buffer) {
  if (!mayReadMore() || buffer.size() == 0 || !loop_->mayGoOn()) return 0;
  if (holdsBytes()) {
    const std::size_t held = takeHeld(buffer);
    if (held < buffer.size()) room_ = 0;
    return held;
  }
  error_code ec;
  const std::size_t count = transport_->tryRead(buffer, ec);
  // The next read finds an end once more, announced or not, but no other error.
  if (ec && ec != asio::error::eof && ec != http::errc::ERR_SSL_UNEXPECTED_EOF) {
    destroyAtTurnEnd(ec);
  }
  if (count < buffer.size()) room_ = 0;
  bytesRead_ += count;
  return count;
}

// A read of what is held ends by itself.
SLUICE_DECL void SocketCore::cancelRead() {
  if (reading() && !due_.held) transport_->cancelRead();
}

SLUICE_DECL void SocketCore::onRead(const error_code& ec, std::size_t count) {
  const ReadBy by = std::exchange(readBy_, ReadBy::nobody);
  readGivenUp_ = false;
  if (count < room_) {
    room_ = 0;
  } else if (room_ == 0 && !ec) {
    room_ = 1;
  }
  bytesRead_ += count;
  if (destroyed()) return;
  if (by != ReadBy::user && count != 0) touch();
  if (lingering()) {
    raw().discarded += count;
    if (ec || raw().discarded > lingerBytes) {
      destroy();
    } else {
      readOwn();
    }
    return;
  }
  if (ec == asio::error::eof) state_.move(Input::ended);
  if (by != ReadBy::user) {
    deliver(by, ec, count);
  } else if (user_ != nullptr) {
    user_->onInput(ec, count);
  }
}

SLUICE_DECL void SocketCore::deliver(ReadBy by, const error_code& ec, std::size_t count) {
  const boost::intrusive_ptr<SocketCore> alive(this);
  // The user may read now.
  if (user_ != nullptr) callAtTurnEnd();
  if (by == ReadBy::reader) {
    if (readEnded() && writeEnded()) destroyAtTurnEnd();
    // The reader hears of it first, then the listeners of "error" and "close".
    if (ec && !readEnded() && ec != asio::error::operation_aborted) destroyAtTurnEnd(ec);
    ReadHandler handler = std::move(raw_->reader);
    handler.dispatch(loop_->executor(), ec, count);
    return;
  }
  if (ec == asio::error::operation_aborted) return;
  if (ec && ec != asio::error::eof) {
    destroy(ec);
    return;
  }
  if (count != 0) {
    if (flowing_ && user_ == nullptr) {
      tellData({ownBuffer(), count});
    } else {
      raw_->held.append({ownBuffer(), count});
    }
  }
  pump();
}

SLUICE_DECL void SocketCore::tellData(std::string_view bytes) {
  sluice::detail::tell<SocketEvents, "data">(listeners_, loop_->executor(), bytes);
}

SLUICE_DECL void SocketCore::inputEnded() {
  if (!state_.move(Input::told)) return;
  const boost::intrusive_ptr<SocketCore> alive(this);
  sluice::detail::tell<SocketEvents, "end">(listeners_, loop_->executor());
  // As in Node without allowHalfOpen: a listener does not have to end the other half.
  if (!writeEnding()) {
    end();
  } else if (writeEnded()) {
    destroy();
  }
}

SLUICE_DECL void SocketCore::readSome(asio::mutable_buffer buffer, ReadHandler handler) {
  if (destroyed() && !(readEnded() && !holdsBytes())) {
    handler.post(loop_->executor(), make_error_code(http::errc::ERR_STREAM_DESTROYED), 0);
  } else if (buffer.size() == 0) {
    handler.post(loop_->executor(), {}, 0);
  } else if (holdsBytes()) {
    handler.post(loop_->executor(), {}, takeHeld(buffer));
  } else if (readEnded()) {
    handler.post(loop_->executor(), asio::error::eof, 0);
  } else if (reading() || state() == State::connecting) {
    handler.post(loop_->executor(), make_error_code(http::errc::ERR_INVALID_STATE), 0);
  } else {
    handler.onCancel([this](asio::cancellation_type) { cancelRead(); });
    raw().reader = std::move(handler);
    read(buffer, ReadBy::reader);
  }
}

SLUICE_DECL void SocketCore::readIntoOwn(ReadHandler handler) {
  readSome(ownRoom(), std::move(handler));
}

SLUICE_DECL void SocketCore::flow() {
  // Never from inside the call that attached the listener or resumed.
  flowing_ = true;
  due_.flow = true;
  atTurnEnd();
}

SLUICE_DECL void SocketCore::pump() {
  if (!flowing_ || !isOpen() || user_ != nullptr || isRead()) return;
  const boost::intrusive_ptr<SocketCore> alive(this);
  if (holdsBytes()) {
    const std::string bytes = takeHeld();
    tellData(bytes);
    if (!flowing_ || !isOpen()) return;
  }
  if (readEnded()) {
    inputEnded();
  } else if (!reading()) {
    readOwn();
  }
}

SLUICE_DECL asio::mutable_buffer SocketCore::ownRoom() {
  if (!raw().own) raw_->own = std::make_unique_for_overwrite<char[]>(ownBufferSize);
  return {raw_->own.get(), ownBufferSize};
}

}  // namespace sluice::net::detail
