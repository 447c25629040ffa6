// SPDX-License-Identifier: BSL-1.0
//
// Definitions of output_stream.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/error.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/net/detail/output_stream.hpp>
#include <utility>

namespace sluice::net::detail {

SLUICE_DECL std::string OutputStream::copyOfWaiting() const {
  std::string copy;
  WriteQueue::Pieces pieces;
  const std::size_t count = queue_.pieces(pieces);
  for (std::size_t i = 0; i < count; ++i) {
    copy.append(static_cast<const char*>(pieces[i].data()), pieces[i].size());
  }
  return copy;
}

SLUICE_DECL void OutputStream::uncork() {
  if (corked_ == 0 || --corked_ != 0) return;
  if (!queue_.empty()) afterWrite();
}

SLUICE_DECL bool OutputStream::queued() { return afterWrite(); }

SLUICE_DECL bool OutputStream::write(std::string&& bytes, std::string_view tail) {
  // If the kernel may take it, nothing has to be kept.
  if (bytes.size() < largePiece || maySend()) return write(std::string_view(bytes), tail);
  if (failure_) return false;
  queue_.keep(std::move(bytes));
  queue_.gathered().append(tail);
  return afterWrite();
}

SLUICE_DECL bool OutputStream::write(std::string_view bytes, std::string_view tail) {
  if (failure_) return false;
  if (bytes.size() < largePiece) {
    queue_.gathered().append(bytes);
    queue_.gathered().append(tail);
    return afterWrite();
  }
  WriteQueue::Pieces pieces;
  std::size_t count = 0;
  if (maySend()) count = queue_.pieces(pieces);
  if (!maySend() || count + 2 > WriteQueue::maxPieces) {
    queue_.keep(std::string(bytes));
    queue_.gathered().append(tail);
    return afterWrite();
  }
  pieces[count++] = {bytes.data(), bytes.size()};
  pieces[count++] = {tail.data(), tail.size()};
  const std::size_t waiting = queue_.size();
  error_code ec;
  std::size_t sent = sink_->transport()->tryWrite({pieces.data(), count}, ec);
  if (ec) {
    fail(ec);
    sink_->onWriteFailed(ec);
    return false;
  }
  queue_.consume(std::min(sent, waiting));
  sent -= std::min(sent, waiting);
  queue_.passedBy(sent);
  if (sent < bytes.size()) {
    queue_.keep(std::string(bytes.substr(sent)));
    sent = 0;
  } else {
    sent -= bytes.size();
  }
  queue_.gathered().append(tail.substr(sent));
  if (!queue_.empty()) {
    blocked_ = true;
    waitForKernel();
  }
  progressed();
  return afterWrite();
}

SLUICE_DECL bool OutputStream::maySend() const {
  return sink_ != nullptr && sink_->transport() != nullptr && !blocked_ && corked_ == 0;
}

SLUICE_DECL bool OutputStream::afterWrite() {
  if (failure_) {
    queue_.clear();
    return false;
  }
  if (sink_ != nullptr && !blocked_ && corked_ == 0) {
    if (queue_.size() >= highWaterMark_) {
      flush();
    } else if (!queue_.empty()) {
      sink_->flushLater();
    }
  }
  if (blocked_ || queue_.size() >= highWaterMark_) needDrain_ = true;
  return !needDrain_ && !failure_;
}

inline std::size_t OutputStream::sendSome(Transport& transport, std::size_t& offered,
                                          error_code& ec) {
  if (queue_.isOneRun()) {
    const asio::const_buffer run = queue_.oneRun();
    offered = run.size();
    return transport.tryWrite({&run, 1}, ec);
  }
  WriteQueue::Pieces pieces;
  const std::size_t count = queue_.pieces(pieces);
  offered = 0;
  for (std::size_t i = 0; i < count; ++i) offered += pieces[i].size();
  return transport.tryWrite({pieces.data(), count}, ec);
}

SLUICE_DECL void OutputStream::flush() {
  if (queue_.empty() || corked_ != 0 || blocked_ || failure_ || sink_ == nullptr) return;
  Transport* transport = sink_->transport();
  if (transport == nullptr) return;
  bool moved = false;
  do {
    error_code ec;
    std::size_t offered = 0;
    const std::size_t sent = sendSome(*transport, offered, ec);
    if (ec) {
      fail(ec);
      sink_->onWriteFailed(ec);
      return;
    }
    queue_.consume(sent);
    moved |= sent != 0;
    if (sent < offered) {
      blocked_ = true;
      queue_.tighten();
      waitForKernel();
      break;
    }
  } while (!queue_.empty());
  if (moved) progressed();
}

SLUICE_DECL void OutputStream::flushLast() {
  if (!maySend() || failure_) return;
  error_code ec;
  std::size_t offered = 0;
  std::size_t sent = 0;
  while (!queue_.empty() && !ec && sent == offered) {
    sent = sendSome(*sink_->transport(), offered, ec);
    queue_.consume(sent);
  }
}

SLUICE_DECL void OutputStream::waitForKernel() { sink_->transport()->waitWritable(); }

SLUICE_DECL void OutputStream::onWritable(const error_code& ec) {
  if (failure_ || sink_ == nullptr) return;
  if (ec == asio::error::operation_aborted) {
    // Cancelling a read ends this wait as well.
    if (sink_->transport() != nullptr && sink_->transport()->isOpen()) waitForKernel();
    return;
  }
  const boost::intrusive_ptr<OutputStream> alive(this);
  blocked_ = false;
  if (ec) {
    fail(ec);
    sink_->onWriteFailed(ec);
    return;
  }
  flush();
}

SLUICE_DECL void OutputStream::progressed() {
  const boost::intrusive_ptr<OutputStream> alive(this);
  const bool drained = needDrain_ && queue_.empty();
  if (drained) needDrain_ = false;
  // First: waiters are resumed after the events that this brings.
  if (sink_ != nullptr) sink_->onSent();
  if (!waiters_.empty()) settleWaiters();
  if (drained && sink_ != nullptr) sink_->onDrained();
}

SLUICE_DECL void OutputStream::fail(const error_code& ec) {
  if (failure_) return;
  const boost::intrusive_ptr<OutputStream> alive(this);
  failure_ = ec;
  sentAtFailure_ = queue_.sent();
  giveUp();
  // Whatever is written from now on ends after what was sent, even if it is nothing.
  queue_.passedBy(1);
}

SLUICE_DECL void OutputStream::fail(const Error& why) {
  // A connection that broke may have said the code before.
  if (!why_) why_ = std::make_unique<const Error>(why);
  fail(why.code());
}

SLUICE_DECL void OutputStream::giveUp() {
  queue_.clear();
  needDrain_ = false;
  settleWaiters();
}

SLUICE_DECL void OutputStream::onLoopEnd() {
  const boost::intrusive_ptr<OutputStream> alive(this);
  const std::vector<Waiter> dropped = std::exchange(waiters_, {});
}

SLUICE_DECL std::optional<error_code> OutputStream::settled(Until until,
                                                            std::uint64_t position) const {
  if (until == Until::sent && hasSent(position)) return error_code();
  // What has left has succeeded, whatever became of the connection since.
  if (failure_) return hasSent(position) ? error_code() : failure_;
  switch (until) {
    case Until::room:
      // A corked producer would wait for itself.
      if (corked_ != 0 || queue_.size() < highWaterMark_) return error_code();
      break;
    case Until::drained:
      if (!needDrain_) return error_code();
      break;
    case Until::sent:
      break;
  }
  return std::nullopt;
}

SLUICE_DECL void OutputStream::wait(Until until, std::uint64_t position, Handler handler) {
  const auto id = loop_->nextId();
  handler.onCancel([self = boost::intrusive_ptr<OutputStream>(this), id](asio::cancellation_type) {
    self->current().cancel(id);
  });
  Waiter waiter{until, position, id, std::move(handler)};
  sluice::detail::withReserve([&] { waiters_.push_back(std::move(waiter)); });
}

SLUICE_DECL void OutputStream::settleWaiters() {
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    if (const auto result = settled(waiter->until, waiter->position)) {
      Waiter ready = std::move(*waiter);
      waiter = waiters_.erase(waiter);
      settle(std::move(ready), *result, *loop_);
    } else {
      ++waiter;
    }
  }
}

SLUICE_DECL void OutputStream::settle(Waiter waiter, const error_code& ec, Loop& loop) {
  waiter.handler.post(loop.executor(), ec, !ec);
}

SLUICE_DECL void OutputStream::cancel(std::uint64_t id) {
  const auto place =
      std::find_if(waiters_.begin(), waiters_.end(), [id](const Waiter& w) { return w.id == id; });
  if (place == waiters_.end()) return;
  Waiter waiter = std::move(*place);
  waiters_.erase(place);
  settle(std::move(waiter), asio::error::operation_aborted, *loop_);
}

SLUICE_DECL void OutputStream::reset() {
  queue_.clear();
  queue_.shrink();
  waiters_.clear();
  sink_ = nullptr;
  failure_ = {};
  why_ = nullptr;
  target_ = nullptr;
  targetOffset_ = 0;
  corked_ = 0;
  blocked_ = batching_ = needDrain_ = false;
}

SLUICE_DECL void OutputStream::continueIn(boost::intrusive_ptr<OutputStream> target) {
  const boost::intrusive_ptr<OutputStream> alive(this);
  targetOffset_ = target->queue_.queued() - queue_.sent();
  queue_.moveTo(target->queue_);
  target->needDrain_ = target->needDrain_ || needDrain_;
  target->corked_ += std::exchange(corked_, 0U);
  for (Waiter& waiter : waiters_) {
    waiter.position += targetOffset_;
    target->waiters_.push_back(std::move(waiter));
  }
  waiters_.clear();
  target_ = std::move(target);
  sink_ = nullptr;
  if (failure_) target_->fail(failure_);
  if (target_->failure_) {
    target_->giveUp();
  } else {
    target_->flush();
  }
}

}  // namespace sluice::net::detail
