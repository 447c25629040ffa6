// SPDX-License-Identifier: BSL-1.0
//
// For tests of the listening socket: one that is open, and one who notes what it tells.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <sluice/net/detail/backend.hpp>
#include <sluice/net/detail/listening.hpp>
#include <sluice/net/detail/loop.hpp>
#include <string>
#include <utility>
#include <vector>

namespace listening {

namespace asio = boost::asio;
namespace detail = sluice::net::detail;
using Accepted = boost::intrusive_ptr<detail::Transport>;

struct Recorder : detail::Listener::User {
  void onAccept(Accepted socket) override {
    sockets.push_back(std::move(socket));
    if (then) then();
  }
  void onAcceptError(const sluice::http::Error& error) override {
    errors.emplace_back(error.what());
  }

  std::vector<Accepted> sockets;
  std::vector<std::string> errors;
  std::function<void()> then;
};

inline boost::intrusive_ptr<detail::Listener> listenOn(asio::io_context& loop,
                                                       const sluice::net::ListenOptions& options) {
  const auto own = detail::Loop::of(loop.get_executor());
  const auto listener = detail::makeListener(own);
  detail::openListener(*listener, *own, options);
  return listener;
}

inline sluice::http::Error failure(asio::io_context& loop,
                                   const sluice::net::ListenOptions& options) {
  try {
    listenOn(loop, options);
  } catch (const sluice::http::Error& error) {
    return error;
  }
  return sluice::http::Error(sluice::error_code(), "listen did not fail");
}

}  // namespace listening
