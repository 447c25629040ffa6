// SPDX-License-Identifier: BSL-1.0
//
// Definitions of web_socket.hpp.
#pragma once

#include <sluice/web/websocket/detail/session.hpp>
#include <sluice/web/websocket/web_socket.hpp>
#include <string>
#include <utility>

namespace sluice {

SLUICE_DECL WebSocket::WebSocket() = default;
SLUICE_DECL WebSocket::WebSocket(boost::intrusive_ptr<web::detail::WebSocketSession> session)
    : session_(std::move(session)) {}
SLUICE_DECL WebSocket
web::detail::WebSocketAccess::make(boost::intrusive_ptr<WebSocketSession> session) {
  return WebSocket(std::move(session));
}

SLUICE_DECL WebSocket::WebSocket(WebSocket&&) noexcept = default;

SLUICE_DECL WebSocket& WebSocket::operator=(WebSocket&& other) noexcept {
  if (this == &other) return *this;
  if (session_) session_->leave(1001);
  session_ = std::move(other.session_);
  return *this;
}

SLUICE_DECL WebSocket::~WebSocket() {
  if (session_) session_->leave(1001);
}

SLUICE_DECL const boost::intrusive_ptr<web::detail::WebSocketSession>& WebSocket::session() const {
  return detail::held(session_, "The WebSocket");
}

SLUICE_DECL task<std::optional<WebSocket::Message>> WebSocket::receive() {
  return web::detail::WebSocketSession::receive(session());
}

SLUICE_DECL WriteResult WebSocket::send(std::string_view text) {
  return session()->send(text, false);
}

SLUICE_DECL WriteResult WebSocket::send(std::span<const std::byte> bytes) {
  return session()->send({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, true);
}

SLUICE_DECL WriteResult WebSocket::ping(std::string_view data) { return session()->ping(data); }

SLUICE_DECL task<> WebSocket::close(int code, std::string_view reason) {
  return web::detail::WebSocketSession::close(session(), code, std::string(reason));
}

SLUICE_DECL int WebSocket::closeCode() const { return session()->closeCode(); }
SLUICE_DECL std::string_view WebSocket::closeReason() const { return session()->closeReason(); }
SLUICE_DECL std::string_view WebSocket::protocol() const { return session()->engine().protocol(); }
SLUICE_DECL std::size_t WebSocket::bufferedAmount() const {
  return session()->engine().socket().writableLength();
}
SLUICE_DECL net::Socket& WebSocket::socket() { return session()->engine().socket(); }

}  // namespace sluice
