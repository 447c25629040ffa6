// SPDX-License-Identifier: BSL-1.0
//
// The kernel's stream sockets as a Transport: TCP and Unix sockets alike.
#pragma once

#include <sluice/net/detail/epoll/poller.hpp>
#include <sluice/net/detail/epoll/system_socket.hpp>
#include <sluice/net/detail/transport.hpp>

namespace sluice::net::detail {

class EpollTransport final : public Transport, private Poller::Watched {
 public:
  /// `socket` does not block. If the loop cannot watch it, its first read says why.
  EpollTransport(Poller& poller, SystemSocket socket);
  /// The loop watches it already for input and output, on behalf of `before`, which was told
  /// `events`.
  EpollTransport(Poller& poller, SystemSocket socket, Poller::Watched& before,
                 std::uint32_t events);
  SLUICE_DECL ~EpollTransport() override;

  SLUICE_DECL std::size_t tryWrite(std::span<const asio::const_buffer>, error_code&) override;
  SLUICE_DECL void waitWritable() override;
  SLUICE_DECL void read(asio::mutable_buffer) override;
  SLUICE_DECL bool readWithoutBuffer() override;
  SLUICE_DECL std::size_t tryRead(asio::mutable_buffer, error_code&) override;
  SLUICE_DECL void cancelRead() override;
  SLUICE_DECL void shutdownWrite(error_code&) override;
  SLUICE_DECL void close() override;
  SLUICE_DECL void reset() override;
  bool isOpen() const override { return static_cast<bool>(socket_); }
  SLUICE_DECL Address localAddress() const override;
  SLUICE_DECL Address remoteAddress() const override;
  SLUICE_DECL void setNoDelay(bool) override;
  SLUICE_DECL void setKeepAlive(bool, std::chrono::milliseconds) override;

 private:
  using Owner = boost::intrusive_ptr<TransportOwner>;

  SLUICE_DECL void onEvents(std::uint32_t events) override;
  SLUICE_DECL void onLoopEnd() override;
  void note(std::uint32_t events);
  void start(Owner& waiting);
  Owner finish(Owner& waiting);
  void goOn();
  void goOnReading();
  void noteUnwatched(const error_code& ec) { unwatched_ = static_cast<std::uint16_t>(ec.value()); }
  error_code failure() const { return {unwatched_, boost::system::system_category()}; }
  std::size_t receive(asio::mutable_buffer, error_code&);

  SystemSocket socket_;
  Poller& poller_;
  // Whether a read, or a write, may find something to do. Cleared if the kernel had less.
  bool readable_ : 1 = false;
  bool writable_ : 1 = true;
  bool inputEnded_ : 1 = false;  // no event will tell of what is left to be read
  bool watchesOutput_ : 1 = false;
  bool keepAlive_ : 1 = false;
  std::uint16_t unwatched_ = 0;  // why the loop could not watch it, as errno has it
  std::int32_t keepAliveSeconds_ = 0;
  // Of the operations that are under way; each keeps its owner, who has the buffer.
  Owner reader_;
  Owner writer_;
  asio::mutable_buffer buffer_;
};

}  // namespace sluice::net::detail
