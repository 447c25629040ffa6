// SPDX-License-Identifier: BSL-1.0
//
// Connections for tests: one whose far end is in the hands of the test, byte by byte, and one that
// joins two sockets of ours. Neither needs the kernel.
#pragma once

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif

#include <algorithm>
#include <cstddef>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>
#include <sluice/test/memory_transport.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::test {

/// The far end of a connection. The near end is a socket, or the transport below one.
///
///     test::Wire wire(io);
///     net::Socket socket = wire.socket();
///     socket.write("ping");
///     wire.deliver("pong");
///     io.poll();
///     CHECK(wire.received() == "ping");
///
/// The near end may outlive it, and then hears nothing more.
class Wire {
 public:
  explicit Wire(Executor executor)
      : transport_(new MemoryTransport(executor.get(), new MemoryPipe, new MemoryPipe)) {}

  /// Makes the near end's socket; only one thing can be over the transport.
  net::Socket socket(std::size_t highWaterMark = 16 * 1024) const;
  const boost::intrusive_ptr<MemoryTransport>& transport() const { return transport_; }

  /// Sends one piece, which no read of the near end mixes with another.
  Wire& deliver(std::string_view bytes) {
    const std::size_t step = std::min(chop_, bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += step)
      input().putPiece(bytes.substr(at, step));
    return *this;
  }
  /// From now on deliver() sends pieces of this size.
  Wire& chop(std::size_t bytes) {
    chop_ = bytes;
    return *this;
  }
  /// The near end reads its end after what was delivered.
  Wire& deliverEnd() {
    input().end();
    return *this;
  }
  /// The near end reads this error after what was delivered.
  Wire& failRead(const error_code& ec) {
    input().failRead(ec);
    return *this;
  }
  /// The near end's writes fail from now on.
  Wire& failWrite(const error_code& ec) {
    output().failWrite(ec);
    return *this;
  }
  /// The near end's n-th operation, counted from 1 as calls().operations() does, and all later ones
  /// fail.
  Wire& failAt(std::size_t n, const error_code& ec) {
    transport_->failAt(n, ec);
    return *this;
  }
  /// The peer vanishes: reads meet a reset after what was delivered, writes fail.
  Wire& reset() {
    return failRead(asio::error::connection_reset).failWrite(asio::error::broken_pipe);
  }

  /// One write takes no more than this.
  Wire& acceptAtMost(std::size_t bytes) {
    output().setLargestWrite(bytes);
    return *this;
  }
  /// So many bytes more are taken, and then none until there is room again.
  Wire& room(std::size_t bytes) {
    output().setRoom(bytes);
    return *this;
  }

  /// What has come from the near end, since it was last taken.
  std::string_view received() const { return transport_->output()->unread(); }
  std::string takeReceived() { return output().forget(); }

  /// Delivered, and not yet read by the near end.
  std::string_view unread() const { return transport_->input()->unread(); }
  /// Whether the near end waits for bytes.
  bool waitsForBytes() const { return transport_->waitsForBytes(); }
  /// The near end has said that nothing more will come.
  bool ended() const { return transport_->output()->ended(); }
  /// The near end is gone.
  bool closed() const { return !transport_->isOpen(); }
  /// The near end went with a reset.
  bool wasReset() const { return transport_->wasReset(); }
  const TransportCalls& calls() const { return transport_->calls(); }

 private:
  MemoryPipe& input() { return *transport_->input(); }
  MemoryPipe& output() { return *transport_->output(); }

  boost::intrusive_ptr<MemoryTransport> transport_;
  std::size_t chop_ = unlimited;
};

/// A socket over any transport, as if it had just been connected.
inline net::Socket socketOver(Executor executor,
                              boost::intrusive_ptr<net::detail::Transport> transport,
                              std::size_t highWaterMark = 16 * 1024) {
  boost::intrusive_ptr<net::detail::SocketCore> core(
      new net::detail::SocketCore(net::detail::Loop::of(executor), highWaterMark));
  core->open(std::move(transport));
  return net::detail::SocketAccess::make(std::move(core));
}

/// Two ends of one connection.
struct TransportPair {
  /// One end; what it writes, `second` reads.
  boost::intrusive_ptr<MemoryTransport> first;
  /// The other end.
  boost::intrusive_ptr<MemoryTransport> second;
};

/// Two ends that talk to each other; each holds up to `capacity` unread bytes.
inline TransportPair connectedTransports(Executor executor, std::size_t capacity = 64 * 1024) {
  const boost::intrusive_ptr<MemoryPipe> there(new MemoryPipe(capacity));
  const boost::intrusive_ptr<MemoryPipe> back(new MemoryPipe(capacity));
  TransportPair pair{new MemoryTransport(executor.get(), back, there),
                     new MemoryTransport(executor.get(), there, back)};
  pair.second->setAddresses(pair.first->remoteAddress(), pair.first->localAddress());
  return pair;
}

/// Two connected sockets.
struct SocketPair {
  /// One end; what it writes, `second` reads.
  net::Socket first;
  /// The other end.
  net::Socket second;
};

/// The same as sockets: a client and a server of ours can talk through them.
///
///     auto [near, far] = test::connectedPair(io);
inline SocketPair connectedPair(Executor executor, std::size_t capacity = 64 * 1024) {
  TransportPair pair = connectedTransports(executor, capacity);
  return {socketOver(executor, std::move(pair.first)),
          socketOver(executor, std::move(pair.second))};
}

inline net::Socket Wire::socket(std::size_t highWaterMark) const {
  return socketOver(transport_->executor(), transport_, highWaterMark);
}

}  // namespace sluice::test
