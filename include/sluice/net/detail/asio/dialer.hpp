// SPDX-License-Identifier: BSL-1.0
//
// One connect() of Asio's, TCP or Unix.
#pragma once

#include <memory>
#include <sluice/net/detail/asio/transport.hpp>
#include <sluice/net/detail/dialer.hpp>
#include <sluice/net/detail/loop.hpp>

namespace sluice::net::detail {

class AsioDialer final : public Dialer {
 public:
  explicit AsioDialer(Loop& loop);
  SLUICE_DECL ~AsioDialer() override;

  SLUICE_DECL error_code open(const Place& remote) override;
  SLUICE_DECL error_code bind(const Place& local) override;
  SLUICE_DECL void connect(const Place& remote, Ended ended) override;
  bool pending() const override { return pending_; }

 private:
  struct Connected;

  Loop& loop_;
  AsioTransport::Socket socket_;
  // Null once the dialer is gone: what Asio tells then is for nobody.
  std::shared_ptr<AsioDialer*> self_;
  bool pending_ = false;
};

}  // namespace sluice::net::detail
