// SPDX-License-Identifier: BSL-1.0
//
// A connection that came through a proxy which has said if it comes from: the transport as it
// is, with those addresses.
#pragma once

#include <sluice/net/detail/proxy_header.hpp>
#include <sluice/net/detail/transport.hpp>
#include <utility>

namespace sluice::net::detail {

class ProxiedTransport final : public Transport {
 public:
  ProxiedTransport(boost::intrusive_ptr<Transport> below, ProxyHeader::Ends ends)
      : below_(std::move(below)), ends_(std::move(ends)) {}

  void attach(TransportOwner* owner) override { below_->attach(owner); }
  std::size_t tryWrite(std::span<const asio::const_buffer> buffers, error_code& ec) override {
    return below_->tryWrite(buffers, ec);
  }
  void waitWritable() override { below_->waitWritable(); }
  void read(asio::mutable_buffer buffer) override { below_->read(buffer); }
  bool readWithoutBuffer() override { return below_->readWithoutBuffer(); }
  std::size_t tryRead(asio::mutable_buffer buffer, error_code& ec) override {
    return below_->tryRead(buffer, ec);
  }
  void cancelRead() override { below_->cancelRead(); }
  void shutdownWrite(error_code& ec) override { below_->shutdownWrite(ec); }
  void closePolitely() override { below_->closePolitely(); }
  void close() override { below_->close(); }
  void reset() override { below_->reset(); }
  bool isOpen() const override { return below_->isOpen(); }
  Address localAddress() const override { return ends_.local; }
  Address remoteAddress() const override { return ends_.remote; }
  void setNoDelay(bool on) override { below_->setNoDelay(on); }
  void setKeepAlive(bool on, std::chrono::milliseconds initialDelay) override {
    below_->setKeepAlive(on, initialDelay);
  }
  const TlsView* tls() const override { return below_->tls(); }

 private:
  boost::intrusive_ptr<Transport> below_;
  ProxyHeader::Ends ends_;
};

}  // namespace sluice::net::detail
