// SPDX-License-Identifier: BSL-1.0
//
// The kernel's stream sockets as a Transport: TCP and Unix sockets alike.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <sluice/net/detail/handler_memory.hpp>
#include <sluice/net/detail/transport.hpp>

namespace sluice::net::detail {

class StreamTransport final : public Transport {
 public:
  using Socket = asio::generic::stream_protocol::socket;

  explicit StreamTransport(Socket socket);

  std::size_t tryWrite(std::span<const asio::const_buffer>, error_code&) override;
  void waitWritable() override;
  void read(asio::mutable_buffer) override;
  std::size_t tryRead(asio::mutable_buffer, error_code&) override;
  void cancelRead() override;
  void shutdownWrite(error_code&) override;
  void close() override;
  void reset() override;
  bool isOpen() const override { return socket_.is_open(); }
  Address localAddress() const override;
  Address remoteAddress() const override;
  void setNoDelay(bool) override;
  void setKeepAlive(bool, std::chrono::milliseconds) override;

 private:
  struct ReadHandler;

  struct KeepAlive {
    bool on = false;
    std::chrono::milliseconds initialDelay{};
    bool operator==(const KeepAlive&) const = default;
  };

  HandlerMemory readMemory_;
  KeepAlive keepAlive_;
  Socket socket_;
};

/// What an endpoint of the operating system is called in the public API.
Address toAddress(const asio::generic::stream_protocol::endpoint&);

}  // namespace sluice::net::detail

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/net/impl/stream_transport.ipp>
#endif
