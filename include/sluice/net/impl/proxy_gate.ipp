// SPDX-License-Identifier: BSL-1.0
//
// Definitions of proxy_gate.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <sluice/net/detail/proxied_transport.hpp>
#include <sluice/net/detail/proxy_gate.hpp>
#include <sluice/net/detail/proxy_header.hpp>
#include <utility>

namespace sluice::net::detail {

// One connection. It has left the gate if it has no transport.
class ProxyGate::Waiting final : public TransportOwner {
 public:
  Waiting(ProxyGate& gate, boost::intrusive_ptr<Transport> transport)
      : gate_(gate),
        transport_(std::move(transport)),
        late_(
            [](void* self) {
              static_cast<Waiting*>(self)->refuse(
                  make_error_code(http::errc::ERR_PROXY_PROTOCOL_TIMEOUT));
            },
            this) {
    transport_->attach(this);
  }

  void start(std::chrono::milliseconds patience) {
    gate_.loop_.startTimer(late_, patience);
    readMore();
  }

  void close() {
    const boost::intrusive_ptr<Transport> transport = takeTransport();
    transport->close();
  }

 private:
  void readMore() {
    const std::span<char> room = header_.room();
    transport_->read({room.data(), room.size()});
  }

  void onRead(const error_code& result, std::size_t count) override {
    error_code ec = result;
    while (transport_ && (ec || count != 0)) {
      if (ec) {
        const bool ended = ec == asio::error::eof;
        refuse(ended ? make_error_code(http::errc::ERR_PROXY_PROTOCOL_HEADER) : ec);
        return;
      }
      const auto status = header_.received(count);
      if (status == ProxyHeader::Status::failed) {
        refuse(make_error_code(http::errc::ERR_PROXY_PROTOCOL_HEADER));
        return;
      }
      if (status == ProxyHeader::Status::complete) {
        admit();
        return;
      }
      const std::span<char> room = header_.room();
      count = transport_->tryRead({room.data(), room.size()}, ec);
    }
    if (transport_) readMore();
  }
  // Nothing is written here.
  void onWritable(const error_code&) override {}

  boost::intrusive_ptr<Transport> takeTransport() {
    late_.stop();
    transport_->attach(nullptr);
    return std::exchange(transport_, nullptr);
  }

  void admit() {
    const boost::intrusive_ptr<Waiting> alive(this);
    gate_.waiting_.erase(this);
    boost::intrusive_ptr<Transport> transport = takeTransport();
    if (header_.ends()) transport = new ProxiedTransport(std::move(transport), *header_.ends());
    gate_.user_.onHeader(std::move(transport));
  }

  void refuse(const error_code& reason) {
    const boost::intrusive_ptr<Waiting> alive(this);
    gate_.waiting_.erase(this);
    const boost::intrusive_ptr<Transport> transport = takeTransport();
    gate_.user_.onNoHeader(*transport, reason);
    transport->close();
  }

  ProxyGate& gate_;
  boost::intrusive_ptr<Transport> transport_;
  ProxyHeader header_;
  TimerEntry late_;
};

SLUICE_DECL ProxyGate::ProxyGate(Loop& loop, User& user) : loop_(loop), user_(user) {}

SLUICE_DECL ProxyGate::~ProxyGate() { clear(); }

SLUICE_DECL void ProxyGate::add(boost::intrusive_ptr<Transport> transport,
                                std::chrono::milliseconds patience) {
  const boost::intrusive_ptr<Waiting> one(new Waiting(*this, std::move(transport)));
  waiting_.emplace(one.get(), one);
  one->start(patience);
}

SLUICE_DECL void ProxyGate::clear() {
  for (const auto& each : std::exchange(waiting_, {})) each.second->close();
}

}  // namespace sluice::net::detail
