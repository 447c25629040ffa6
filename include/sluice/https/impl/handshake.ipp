// SPDX-License-Identifier: BSL-1.0
//
// Definitions of handshake.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/https/detail/handshake.hpp>
#include <sluice/https/detail/tls_transport.hpp>
#include <sluice/net/socket.hpp>
#include <utility>

namespace sluice::https::detail {

SLUICE_DECL task<> handshake(boost::intrusive_ptr<net::detail::SocketCore> core,
                             std::shared_ptr<const TlsPolicy> policy) {
  if (core->state() != net::detail::SocketCore::State::open) {
    throw http::Error(make_error_code(http::errc::ERR_SOCKET_CLOSED));
  }
  // What was written so far belongs to the protocol before.
  core->output().flushLast();
  if (core->reading() || core->output().size() != 0) {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_STATE));
  }
  std::string early = core->takeHeld();
  return handshake(core, core->transport(), std::move(early), std::move(policy));
}

SLUICE_DECL task<> handshake(boost::intrusive_ptr<net::detail::SocketCore> core,
                             boost::intrusive_ptr<net::detail::Transport> below, std::string early,
                             std::shared_ptr<const TlsPolicy> policy) {
  const boost::intrusive_ptr<TlsTransport> transport(
      new TlsTransport(core->loop().shared_from_this(), std::move(below), policy, early));
  if (policy->onKeylog) {
    transport->onKeylog = [policy, owner = core.get()](std::string_view line) {
      net::Socket socket = net::detail::SocketAccess::make(owner);
      policy->onKeylog(line, socket);
      // The owner of the socket still has it.
      net::detail::SocketAccess::release(socket);
    };
  }
  core->open(transport);
  if (core->destroyed()) throw http::Error(asio::error::operation_aborted);
  error_code ec;
  try {
    co_await sluice::detail::Suspend<&TlsTransport::startHandshake>{transport.get()};
  } catch (const boost::system::system_error& error) {
    ec = error.code();
  }
  if (!ec) co_return;
  if (transport->failure()) throw http::Error(*transport->failure());
  throw http::Error(ec);
}

}  // namespace sluice::https::detail
