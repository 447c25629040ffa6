// SPDX-License-Identifier: BSL-1.0
//
// Definitions of backend.hpp.
#pragma once

#include <sluice/net/detail/backend.hpp>
#include <utility>
#if SLUICE_USE_EPOLL
#include <sluice/net/detail/epoll/dialer.hpp>
#include <sluice/net/detail/epoll/listener.hpp>
#else
#include <sluice/net/detail/asio/dialer.hpp>
#include <sluice/net/detail/asio/listener.hpp>
#endif

namespace sluice::net::detail {

#if SLUICE_USE_EPOLL
using SystemListener = EpollListener;
using SystemDialer = EpollDialer;
#else
using SystemListener = AsioListener;
using SystemDialer = AsioDialer;
#endif

SLUICE_DECL boost::intrusive_ptr<Listener> makeListener(std::shared_ptr<Loop> loop) {
  return new SystemListener(std::move(loop));
}

SLUICE_DECL std::unique_ptr<Dialer> makeDialer(Loop& loop) {
  return std::make_unique<SystemDialer>(loop);
}

}  // namespace sluice::net::detail
