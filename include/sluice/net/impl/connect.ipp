// SPDX-License-Identifier: BSL-1.0
//
// Definitions of connect.hpp and connecting.hpp.
#pragma once

#include <boost/asio/this_coro.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/net/connect.hpp>
#include <sluice/net/detail/connecting.hpp>
#include <sluice/net/detail/connector.hpp>
#include <utility>

namespace sluice::net {

namespace detail {

SLUICE_DECL task<Socket> Connecting::run(Make make,
                                         std::shared_ptr<const ConnectionOptions> options) {
  const auto connecting = make(co_await asio::this_coro::executor, std::move(options));
  co_await sluice::detail::Suspend<&Connecting::start>{connecting.get()};
  co_return connecting->take();
}

}  // namespace detail

SLUICE_DECL task<Socket> connect(const ConnectionOptions& named) {
  detail::Connector::validate(named);
  return detail::Connecting::run(&detail::Connector::make,
                                 std::make_shared<const ConnectionOptions>(named));
}

}  // namespace sluice::net
