// SPDX-License-Identifier: BSL-1.0
//
// A connected stream socket of Asio as a Transport, TCP and Unix sockets alike, on every system.
// Asio is asked when there is something to read and when there is room to write; the bytes are
// moved by calls that do not block, so the system never holds a buffer of the owner's.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <memory>
#include <sluice/net/detail/asio/native.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/transport.hpp>

namespace sluice::net::detail {

class AsioTransport final : public Transport {
 public:
  using Socket = GenericProtocol::socket;

  /// `socket` is connected.
  AsioTransport(Loop& loop, Socket socket);

  SLUICE_DECL std::size_t tryWrite(std::span<const asio::const_buffer>, error_code&) override;
  SLUICE_DECL void waitWritable() override;
  SLUICE_DECL void read(asio::mutable_buffer) override;
  SLUICE_DECL bool readWithoutBuffer() override;
  SLUICE_DECL std::size_t tryRead(asio::mutable_buffer, error_code&) override;
  SLUICE_DECL void cancelRead() override;
  SLUICE_DECL void shutdownWrite(error_code&) override;
  SLUICE_DECL void close() override;
  SLUICE_DECL void reset() override;
  bool isOpen() const override { return socket_.is_open(); }
  SLUICE_DECL Address localAddress() const override;
  SLUICE_DECL Address remoteAddress() const override;
  SLUICE_DECL void setNoDelay(bool) override;
  SLUICE_DECL void setKeepAlive(bool, std::chrono::milliseconds) override;

 private:
  using Owner = boost::intrusive_ptr<TransportOwner>;
  struct Readable;
  struct Writable;

  void waitForInput(const Owner& owner);
  void waitForOutput(const Owner& owner);
  void onReadable(const Owner& owner, error_code ec);
  void onWritable(const Owner& owner, const error_code& ec);

  std::shared_ptr<Loop> loop_;
  Socket socket_;
  asio::mutable_buffer buffer_;
  bool readCancelled_ = false;
  bool keepAlive_ = false;
  std::int32_t keepAliveSeconds_ = 0;
};

}  // namespace sluice::net::detail
