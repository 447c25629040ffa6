// SPDX-License-Identifier: BSL-1.0
//
// The one interface under every connection: TCP and Unix sockets, TLS, and memory in tests. Writing
// is a synchronous attempt that takes what fits now; reading is one outstanding operation.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstddef>
#include <sluice/net/address.hpp>
#include <sluice/task.hpp>
#include <span>

namespace sluice::net::detail {

/// Is told what became of a read, and when writing may go on. An outstanding operation keeps
/// its owner alive, since the owner has the buffer.
class TransportOwner
    : public boost::intrusive_ref_counter<TransportOwner, boost::thread_unsafe_counter> {
 public:
  virtual ~TransportOwner() = default;
  /// `count` bytes are in the buffer; asio::error::eof at the end, operation_aborted after
  /// cancelRead() or close().
  virtual void onRead(const error_code&, std::size_t count) = 0;
  /// tryWrite() may take something again, or never will.
  virtual void onWritable(const error_code&) = 0;
};

class TlsView;

class Transport : public boost::intrusive_ref_counter<Transport, boost::thread_unsafe_counter> {
 public:
  virtual ~Transport() = default;

  /// Who is told from now on; null: nobody.
  virtual void attach(TransportOwner* owner) { owner_ = owner; }

  /// Takes as many bytes as fit now, 0 to all. `ec` is set only when the connection is broken.
  virtual std::size_t tryWrite(std::span<const asio::const_buffer>, error_code& ec) = 0;
  /// Calls onWritable() once tryWrite() may take more. At most one at a time.
  virtual void waitWritable() = 0;

  /// Calls onRead(). At most one at a time. The buffer is lent until then: it must stay where it
  /// is. It is the caller's again at once after cancelRead(), close(), and readWithoutBuffer() if
  /// that is true: nothing is written to it any more.
  virtual void read(asio::mutable_buffer) = 0;
  /// The read that is under way, or is started with no buffer, gets none: onRead() says with 0
  /// bytes and no error that there is something to read, if only a part of what can be used. false:
  /// not here, or not now.
  virtual bool readWithoutBuffer() { return false; }
  /// Reads what is there already: 0 and no error if nothing is.
  virtual std::size_t tryRead(asio::mutable_buffer, error_code& ec) = 0;
  virtual void cancelRead() = 0;

  /// Says to the peer that nothing more will come.
  virtual void shutdownWrite(error_code&) = 0;
  /// Everything was taken, and close() follows: the peer is to see an end and no cut, if that
  /// takes more than a close().
  virtual void closePolitely() {}
  /// Outstanding operations end with operation_aborted.
  virtual void close() = 0;
  /// close(), and the peer sees a reset.
  virtual void reset() { close(); }
  virtual bool isOpen() const = 0;

  virtual Address localAddress() const { return {}; }
  virtual Address remoteAddress() const { return {}; }
  virtual void setNoDelay(bool) {}
  virtual void setKeepAlive(bool, std::chrono::milliseconds) {}
  /// What encrypts it; null if nothing does.
  virtual const TlsView* tls() const { return nullptr; }

 protected:
  TransportOwner* owner_ = nullptr;
};

}  // namespace sluice::net::detail
