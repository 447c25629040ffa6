// SPDX-License-Identifier: BSL-1.0
//
// Definitions of transport.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/net/detail/asio/transport.hpp>
#include <sluice/net/detail/timers.hpp>
#include <utility>

namespace sluice::net::detail {

// What Asio keeps while it waits. The owner is kept here and not in the transport: an execution
// context that ends destroys this, and both are free.
struct AsioTransport::Readable {
  void operator()(const error_code& ec) const { self->onReadable(owner, ec); }

  boost::intrusive_ptr<AsioTransport> self;
  Owner owner;
};

struct AsioTransport::Writable {
  void operator()(const error_code& ec) const { self->onWritable(owner, ec); }

  boost::intrusive_ptr<AsioTransport> self;
  Owner owner;
};

SLUICE_DECL AsioTransport::AsioTransport(Loop& loop, Socket socket)
    : loop_(loop.shared_from_this()), socket_(std::move(socket)) {
  // If that fails, so will the first read.
  error_code ignored;
  socket_.non_blocking(true, ignored);
}

SLUICE_DECL std::size_t AsioTransport::tryWrite(std::span<const asio::const_buffer> buffers,
                                                error_code& ec) {
  std::size_t sent = 0;
  if (buffers.size() == 1) {
    sent = socket_.write_some(buffers[0], ec);
  } else {
    // Of a fixed size, as Asio copies the sequence; what does not fit counts as not taken.
    std::array<asio::const_buffer, 16> pieces;
    std::copy_n(buffers.begin(), std::min(buffers.size(), pieces.size()), pieces.begin());
    sent = socket_.write_some(pieces, ec);
  }
  if (ec == asio::error::would_block || ec == asio::error::try_again) ec = {};
  return sent;
}

SLUICE_DECL void AsioTransport::waitWritable() { waitForOutput(owner_); }

SLUICE_DECL void AsioTransport::waitForOutput(const Owner& owner) {
  sluice::detail::withReserve([&] {
    socket_.async_wait(Socket::wait_write, Writable{this, owner});
  });
}

SLUICE_DECL void AsioTransport::onWritable(const Owner& owner, const error_code& ec) {
  if (loop_->stopped()) return;
  // It was the read that was cancelled.
  if (ec == asio::error::operation_aborted && isOpen()) {
    waitForOutput(owner);
    return;
  }
  Loop::Turn turn(*loop_);
  if (owner_ != nullptr) owner->onWritable(ec);
  turn.end();
}

SLUICE_DECL void AsioTransport::read(asio::mutable_buffer buffer) {
  buffer_ = buffer;
  readCancelled_ = false;
  waitForInput(owner_);
}

SLUICE_DECL void AsioTransport::waitForInput(const Owner& owner) {
  sluice::detail::withReserve([&] {
    socket_.async_wait(Socket::wait_read, Readable{this, owner});
  });
}

SLUICE_DECL bool AsioTransport::readWithoutBuffer() {
  buffer_ = {};
  return true;
}

SLUICE_DECL void AsioTransport::onReadable(const Owner& owner, error_code ec) {
  if (loop_->stopped()) return;
  std::size_t count = 0;
  // What was cancelled may have been about to be told.
  if (readCancelled_ || !isOpen()) ec = asio::error::operation_aborted;
  if (!ec && buffer_.size() != 0) {
    count = tryRead(buffer_, ec);
    if (count == 0 && !ec) {
      waitForInput(owner);
      return;
    }
  }
  buffer_ = {};
  Loop::Turn turn(*loop_);
  if (owner_ != nullptr) owner->onRead(ec, count);
  turn.end();
}

SLUICE_DECL std::size_t AsioTransport::tryRead(asio::mutable_buffer buffer, error_code& ec) {
  const std::size_t count = socket_.read_some(buffer, ec);
  if (ec == asio::error::would_block || ec == asio::error::try_again) ec = {};
  return count;
}

SLUICE_DECL void AsioTransport::cancelRead() {
  readCancelled_ = true;
  buffer_ = {};
  error_code ignored;
  socket_.cancel(ignored);
}

SLUICE_DECL void AsioTransport::shutdownWrite(error_code& ec) {
  socket_.shutdown(Socket::shutdown_send, ec);
}

SLUICE_DECL void AsioTransport::close() {
  buffer_ = {};
  error_code ignored;
  socket_.close(ignored);
}

SLUICE_DECL void AsioTransport::reset() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

SLUICE_DECL Address AsioTransport::localAddress() const {
  error_code ec;
  const auto endpoint = socket_.local_endpoint(ec);
  return ec ? Address{} : nameOf(endpoint);
}

SLUICE_DECL Address AsioTransport::remoteAddress() const {
  error_code ec;
  const auto endpoint = socket_.remote_endpoint(ec);
  return ec ? Address{} : nameOf(endpoint);
}

SLUICE_DECL void AsioTransport::setNoDelay(bool on) {
  // Unix sockets refuse this, and have nothing to delay.
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(on), ignored);
}

SLUICE_DECL void AsioTransport::setKeepAlive(bool on, std::chrono::milliseconds initialDelay) {
  const auto seconds = static_cast<std::int32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::min(initialDelay, longestTimer))
          .count());
  // An agent says it once more for every request.
  if (keepAlive_ == on && keepAliveSeconds_ == seconds) return;
  keepAlive_ = on;
  keepAliveSeconds_ = seconds;
  error_code ignored;
  socket_.set_option(asio::socket_base::keep_alive(on), ignored);
  if (on && seconds > 0) setKeepAliveTimes(socket_, seconds);
}

}  // namespace sluice::net::detail
