// SPDX-License-Identifier: BSL-1.0
//
// Definitions of socket.hpp.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/detail/tls_view.hpp>
#include <sluice/net/socket.hpp>

namespace sluice::net {

SLUICE_DECL Socket::Socket() = default;
SLUICE_DECL Socket::Socket(boost::intrusive_ptr<detail::SocketCore> core)
    : core_(std::move(core)) {}
SLUICE_DECL Socket::Socket(Socket&&) noexcept = default;

SLUICE_DECL Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    if (core_) core_->destroy();
    core_ = std::move(other.core_);
  }
  return *this;
}

SLUICE_DECL Socket::~Socket() {
  if (core_) core_->destroy();
}

SLUICE_DECL detail::SocketCore& Socket::core() const {
  if (!core_) {
    throw http::Error(make_error_code(http::errc::ERR_STREAM_DESTROYED),
                      "The socket is empty: it was moved away");
  }
  return *core_;
}

namespace detail {

struct ReadIntoOwn {
  SocketCore* core;

  template <class Handler>
  void operator()(Handler handler) const {
    core->readIntoOwn(SocketCore::ReadHandler(std::move(handler)));
  }
};

// In Node's words if the caller is to blame.
inline Error readError(const error_code& ec, const SocketCore& core) {
  if (ec == errc::ERR_STREAM_DESTROYED) {
    return Error(ec, "Cannot call read after a stream was destroyed");
  }
  if (ec != errc::ERR_INVALID_STATE) return Error(ec);
  const bool early = core.state() == SocketCore::State::connecting;
  return Error(ec, early ? "Invalid state: read() before the socket is connected"
                         : "Invalid state: read() while another read is under way");
}

// Not a member: the handle may have moved by the time that this is awaited.
SLUICE_DECL task<std::optional<std::string_view>> readOwn(boost::intrusive_ptr<SocketCore> core) {
  error_code ec;
  auto token = asio::redirect_error(asio::use_awaitable, ec);
  const std::size_t count =
      co_await asio::async_initiate<decltype(token), void(error_code, std::size_t)>(
          ReadIntoOwn{core.get()}, token);
  if (ec == asio::error::eof) co_return std::nullopt;
  if (ec) throw readError(ec, *core);
  co_return std::string_view(core->ownBuffer(), count);
}

inline void whenSent(const WriteResult& sent, std::function<void(error_code)> callback) {
  if (!callback) return;
  sent([callback = std::move(callback)](const error_code& ec, bool) { callback(ec); });
}

inline std::string_view textOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace detail

SLUICE_DECL task<std::optional<std::string_view>> Socket::read() {
  return detail::readOwn(&core());
}

template <class Chunk>
SLUICE_DECL WriteResult Socket::writeAny(Chunk chunk) {
  detail::OutputStream& output = core().output();
  if (core().writeEnding() || core().destroyed()) {
    const auto code = core().destroyed() ? http::errc::ERR_STREAM_DESTROYED
                                         : http::errc::ERR_STREAM_WRITE_AFTER_END;
    return sluice::detail::WriteResultAccess::failed(&output, make_error_code(code));
  }
  const bool ok = output.write(std::move(chunk));
  return sluice::detail::WriteResultAccess::make(&output, detail::OutputStream::Until::room,
                                                 output.queue().queued(), ok);
}

SLUICE_DECL WriteResult Socket::write(std::string_view chunk) { return writeAny(chunk); }

SLUICE_DECL WriteResult Socket::write(std::string&& chunk) { return writeAny(std::move(chunk)); }

SLUICE_DECL WriteResult Socket::write(std::span<const std::byte> chunk) {
  return writeAny(detail::textOf(chunk));
}

SLUICE_DECL WriteResult Socket::write(std::string_view utf8, Encoding encoding) {
  if (encoding == Encoding::utf8) return writeAny(utf8);
  return writeAny(toBytes(utf8, encoding));
}

SLUICE_DECL WriteResult Socket::write(std::string_view chunk,
                                      std::function<void(error_code)> onFlushed) {
  const bool refused = core().writeEnding() || core().destroyed();
  WriteResult result = writeAny(chunk);
  detail::OutputStream& output = core().output();
  const WriteResult sent = sluice::detail::WriteResultAccess::make(
      &output, detail::OutputStream::Until::sent, output.queue().queued(), true);
  detail::whenSent(refused ? result : sent, std::move(onFlushed));
  return result;
}

SLUICE_DECL WriteResult Socket::write(std::span<const std::byte> chunk,
                                      std::function<void(error_code)> onFlushed) {
  return write(detail::textOf(chunk), std::move(onFlushed));
}

SLUICE_DECL WriteResult Socket::write(std::string_view utf8, Encoding encoding,
                                      std::function<void(error_code)> onFlushed) {
  return write(toBytes(utf8, encoding), std::move(onFlushed));
}

SLUICE_DECL WriteResult Socket::end() {
  detail::OutputStream& output = core().output();
  if (core().destroyed())
    return sluice::detail::WriteResultAccess::failed(
        &output, make_error_code(http::errc::ERR_STREAM_DESTROYED));
  core().end();
  return sluice::detail::WriteResultAccess::make(&output, detail::OutputStream::Until::sent,
                                                 output.queue().queued(), output.size() == 0);
}

template <class Chunk>
SLUICE_DECL WriteResult Socket::endAny(Chunk chunk) {
  if (core().writeEnding()) return writeAny(std::move(chunk));
  writeAny(std::move(chunk));
  return end();
}

SLUICE_DECL WriteResult Socket::end(std::string_view chunk) { return endAny(chunk); }

SLUICE_DECL WriteResult Socket::end(std::string&& chunk) { return endAny(std::move(chunk)); }

SLUICE_DECL WriteResult Socket::end(std::span<const std::byte> chunk) {
  return endAny(detail::textOf(chunk));
}

SLUICE_DECL WriteResult Socket::end(std::string_view utf8, Encoding encoding) {
  return encoding == Encoding::utf8 ? endAny(utf8) : endAny(toBytes(utf8, encoding));
}

SLUICE_DECL WriteResult Socket::end(std::function<void(error_code)> onFinish) {
  WriteResult result = end();
  detail::whenSent(result, std::move(onFinish));
  return result;
}

SLUICE_DECL WriteResult Socket::end(std::string_view chunk,
                                    std::function<void(error_code)> onFinish) {
  WriteResult result = end(chunk);
  detail::whenSent(result, std::move(onFinish));
  return result;
}

SLUICE_DECL WriteResult Socket::end(std::span<const std::byte> chunk,
                                    std::function<void(error_code)> onFinish) {
  return end(detail::textOf(chunk), std::move(onFinish));
}

SLUICE_DECL WriteResult Socket::end(std::string_view utf8, Encoding encoding,
                                    std::function<void(error_code)> onFinish) {
  return end(toBytes(utf8, encoding), std::move(onFinish));
}

SLUICE_DECL WriteResult Socket::drain() {
  detail::OutputStream& output = core().output();
  // After end() a socket that is gone has drained if everything has left.
  const std::uint64_t position = core().writeEnding() ? output.written() : output.queue().queued();
  return sluice::detail::WriteResultAccess::make(&output, detail::OutputStream::Until::drained,
                                                 position, !output.needDrain());
}

SLUICE_DECL Socket detail::SocketAccess::make(boost::intrusive_ptr<SocketCore> core) {
  return Socket(std::move(core));
}

SLUICE_DECL boost::intrusive_ptr<detail::SocketCore> detail::SocketAccess::release(Socket& socket) {
  return std::move(socket.core_);
}

SLUICE_DECL sluice::detail::Listeners& Socket::listeners() { return core().listeners(); }

SLUICE_DECL void Socket::tellIfDestroyed() { core().listenerAdded(); }
SLUICE_DECL bool Socket::eventsAreOver() const {
  return core().state() == detail::SocketCore::State::closed;
}

SLUICE_DECL void Socket::linger() { core().linger(); }

SLUICE_DECL Socket::Kept::Kept(const Socket& socket) : core_(&socket.core()) {}
SLUICE_DECL Socket::Kept::Kept(const Kept&) = default;
SLUICE_DECL Socket::Kept::Kept(Kept&&) noexcept = default;
SLUICE_DECL Socket::Kept::~Kept() = default;
SLUICE_DECL Socket::executor_type Socket::Kept::executor() const {
  return core_->loop().executor();
}

SLUICE_DECL void Socket::readSome(const Kept& core, asio::mutable_buffer buffer,
                                  ReadHandler handler) {
  (*core).readSome(buffer, std::move(handler));
}

SLUICE_DECL void Socket::writeRaw(const Kept& core, std::string_view bytes) {
  if (!(*core).writeEnding()) (*core).output().write(bytes);
}

SLUICE_DECL WriteResult Socket::roomResult(const Kept& core) {
  detail::OutputStream& output = (*core).output();
  if ((*core).writeEnding()) {
    return sluice::detail::WriteResultAccess::failed(
        &output, make_error_code(errc::ERR_STREAM_WRITE_AFTER_END));
  }
  return sluice::detail::WriteResultAccess::make(&output, detail::OutputStream::Until::room,
                                                 output.queue().queued(), true);
}

SLUICE_DECL Socket& Socket::pause() {
  core().pause();
  return *this;
}

SLUICE_DECL Socket& Socket::resume() {
  core().flow();
  return *this;
}

SLUICE_DECL void Socket::unshift(std::string_view bytes) { core().unshift(bytes); }
SLUICE_DECL void Socket::unshift(std::span<const std::byte> bytes) {
  core().unshift(detail::textOf(bytes));
}

SLUICE_DECL void Socket::destroy(error_code reason) {
  if (core_) core_->destroy(reason);
}

SLUICE_DECL void Socket::destroy(const Error& reason) {
  if (core_) core_->destroy(reason);
}

SLUICE_DECL void Socket::destroySoon() {
  if (core_) core_->destroySoon();
}

SLUICE_DECL void Socket::resetAndDestroy() {
  if (core_) core_->resetAndDestroy();
}

SLUICE_DECL Socket& Socket::setTimeout(std::chrono::milliseconds idle,
                                       std::function<void()> listener) {
  sluice::detail::requireIdleTime("msecs", idle);
  if (listener) once<"timeout">(std::move(listener));
  core().setTimeout(idle);
  return *this;
}

SLUICE_DECL std::chrono::milliseconds Socket::timeout() const { return core().timeout(); }

SLUICE_DECL Socket& Socket::setNoDelay(bool on) {
  whenConnected([on](detail::Transport& transport) { transport.setNoDelay(on); });
  return *this;
}

SLUICE_DECL Socket& Socket::setKeepAlive(bool on, std::chrono::milliseconds initialDelay) {
  whenConnected([on, initialDelay](detail::Transport& transport) {
    transport.setKeepAlive(on, initialDelay);
  });
  return *this;
}

template <class Set>
SLUICE_DECL void Socket::whenConnected(Set set) {
  const auto setNow = [kept = &core(), set] {
    // A program may emit "connect" itself.
    if (kept->transport() != nullptr) set(*kept->transport());
  };
  if (connecting()) {
    // As a function: one listener to compile for all.
    once<"connect">(std::function<void()>(setNow));
  } else {
    setNow();
  }
}

SLUICE_DECL std::string Socket::remoteAddress() const { return core().remoteAddress().address; }
SLUICE_DECL std::string Socket::remoteFamily() const { return core().remoteAddress().family; }
SLUICE_DECL std::uint16_t Socket::remotePort() const { return core().remoteAddress().port; }
SLUICE_DECL std::string Socket::localAddress() const { return core().localAddress().address; }
SLUICE_DECL std::string Socket::localFamily() const { return core().localAddress().family; }
SLUICE_DECL std::uint16_t Socket::localPort() const { return core().localAddress().port; }
SLUICE_DECL Address Socket::address() const { return core().localAddress(); }

SLUICE_DECL std::uint64_t Socket::bytesRead() const { return core().bytesRead(); }
SLUICE_DECL std::uint64_t Socket::bytesWritten() const { return core().output().written(); }

SLUICE_DECL bool Socket::connecting() const {
  return core_ && core_->state() == detail::SocketCore::State::connecting;
}

SLUICE_DECL bool Socket::destroyed() const { return !core_ || core_->destroyed(); }

SLUICE_DECL std::string_view Socket::readyState() const {
  if (destroyed()) return "closed";
  if (connecting()) return "opening";
  if (core().readEnded()) return core().writeEnding() ? "closed" : "writeOnly";
  return core().writeEnding() ? "readOnly" : "open";
}

inline const detail::TlsView* tlsOf(detail::SocketCore* core) {
  return core != nullptr && core->transport() != nullptr ? core->transport()->tls() : nullptr;
}

SLUICE_DECL bool Socket::encrypted() const { return tlsOf(core_.get()) != nullptr; }

SLUICE_DECL bool Socket::authorized() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr && tls->authorized();
}

SLUICE_DECL error_code Socket::authorizationError() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr ? tls->authorizationError() : error_code();
}

SLUICE_DECL PeerCertificate Socket::getPeerCertificate(bool detailed) const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr ? tls->peerCertificate(detailed) : PeerCertificate{};
}

SLUICE_DECL PeerCertificate Socket::getCertificate() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr ? tls->certificate() : PeerCertificate{};
}

SLUICE_DECL CipherInfo Socket::getCipher() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr ? tls->cipher() : CipherInfo{};
}

SLUICE_DECL std::string Socket::getProtocol() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr ? tls->protocol() : std::string();
}

SLUICE_DECL std::string Socket::alpnProtocol() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr ? tls->alpnProtocol() : std::string();
}

SLUICE_DECL std::string Socket::servername() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr ? tls->servername() : std::string();
}

SLUICE_DECL bool Socket::isSessionReused() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr && tls->sessionReused();
}

SLUICE_DECL std::string Socket::getSession() const {
  const auto* tls = tlsOf(core_.get());
  return tls != nullptr ? tls->session() : std::string();
}

SLUICE_DECL std::size_t Socket::writableLength() const { return core().output().size(); }

SLUICE_DECL std::size_t Socket::writableHighWaterMark() const {
  return core().output().highWaterMark();
}

SLUICE_DECL bool Socket::writableNeedDrain() const { return core().output().needDrain(); }

SLUICE_DECL bool Socket::writableEnded() const { return core().writeEnding(); }

SLUICE_DECL Socket::executor_type Socket::get_executor() const { return core().loop().executor(); }

}  // namespace sluice::net
