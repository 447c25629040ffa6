// SPDX-License-Identifier: BSL-1.0
//
// Which implementation of the seam a program uses. SLUICE_USE_EPOLL chooses it for the whole
// program; nothing above these two functions knows which one it is.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <memory>
#include <sluice/net/detail/dialer.hpp>
#include <sluice/net/detail/listener.hpp>
#include <sluice/net/detail/loop.hpp>

namespace sluice::net::detail {

boost::intrusive_ptr<Listener> makeListener(std::shared_ptr<Loop> loop);
std::unique_ptr<Dialer> makeDialer(Loop& loop);

}  // namespace sluice::net::detail
