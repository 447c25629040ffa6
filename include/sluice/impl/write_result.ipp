// SPDX-License-Identifier: BSL-1.0
//
// Definitions of write_result.hpp.
#pragma once

#include <sluice/error.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/output_stream.hpp>
#include <sluice/write_result.hpp>

namespace sluice {

SLUICE_DECL WriteResult::WriteResult(boost::intrusive_ptr<Stream> stream, Until until,
                                     std::uint64_t position, bool ok)
    : stream_(std::move(stream)), position_(position), until_(until), ok_(ok) {}

SLUICE_DECL WriteResult::WriteResult(boost::intrusive_ptr<Stream> stream, const error_code& ec)
    : stream_(std::move(stream)), error_(ec), ok_(false) {}

SLUICE_DECL WriteResult detail::WriteResultAccess::make(boost::intrusive_ptr<Stream> stream,
                                                        net::detail::Until until,
                                                        std::uint64_t position, bool ok) {
  return WriteResult(std::move(stream), until, position, ok);
}

SLUICE_DECL WriteResult detail::WriteResultAccess::failed(boost::intrusive_ptr<Stream> stream,
                                                          const error_code& ec) {
  return WriteResult(std::move(stream), ec);
}

SLUICE_DECL WriteResult::WriteResult(const WriteResult&) noexcept = default;
SLUICE_DECL WriteResult& WriteResult::operator=(const WriteResult&) noexcept = default;
SLUICE_DECL WriteResult::~WriteResult() = default;

SLUICE_DECL std::optional<error_code> WriteResult::settled() const {
  if (error_) return error_;
  return stream_->current().settled(until_, stream_->currentPosition(position_));
}

SLUICE_DECL void WriteResult::start(Handler handler) const {
  if (const auto result = settled()) {
    handler.post(stream_->loop().executor(), *result, !*result);
    return;
  }
  stream_->current().wait(until_, stream_->currentPosition(position_), std::move(handler));
}

SLUICE_DECL void WriteResult::throwError(const error_code& ec) const {
  if (const Error* why = stream_->current().why()) {
    if (why->code() == ec) throw *why;
    if (ec == errc::ERR_STREAM_DESTROYED) throw Error(ec, ec.message() + ": " + why->what());
  }
  throw Error(ec);
}

SLUICE_DECL bool WriteResult::mayGoOn() const { return !afterEvents_ && stream_->loop().mayGoOn(); }

}  // namespace sluice

#if defined(SLUICE_SEPARATE_COMPILATION) && !defined(SLUICE_NO_ASIO_SHORTCUT)
template class boost::asio::detail::awaitable_async_op<
    void(sluice::error_code, bool), sluice::WriteResult, boost::asio::any_io_executor>;
#endif
