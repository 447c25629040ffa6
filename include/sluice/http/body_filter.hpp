// SPDX-License-Identifier: BSL-1.0
//
// What may change the body of an outgoing message on its way: a compression, a checksum, a count.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_BODY_FILTER_HPP
#define SLUICE_HTTP_BODY_FILTER_HPP

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace sluice::http {

class OutgoingMessage;

/// Everything that write() and end() are given passes through it. The views it returns are sent
/// before the next call, so one buffer serves all of them.
///
///     class Uppercase final : public http::BodyFilter { … };
///     res.setBodyFilter(http::BodyFilterPointer(new Uppercase));
///
/// Calls come in this order: begin(), then any number of write() and flush(), then end(). It is
/// released after end(), or with the message if that does not come. What it throws, the call that
/// ran it throws.
class BodyFilter {
 public:
  virtual ~BodyFilter() = default;

  /// The head is about to be composed: the last moment to change the status and the headers.
  ///
  /// message  what writeHead() was given is set in it already
  /// length   of the whole body, if end() is given all of it and nothing was written before
  /// returns  false: the body stays as it is, and this is released
  virtual bool begin(OutgoingMessage& message, std::optional<std::uint64_t> length) = 0;

  /// Takes a piece, which is not empty. Returns what is to be sent of it now; may be empty.
  virtual std::string_view write(std::string_view piece) = 0;

  /// Returns everything that was held back so far. Called by OutgoingMessage::flush().
  virtual std::string_view flush() { return {}; }

  /// Returns the rest. Nothing is called after it but release().
  virtual std::string_view end() { return {}; }

  /// Nobody uses this any more. A filter from a pool goes back to it here.
  virtual void release() noexcept { delete this; }
};

/// Ends the use of a filter by its release(), so that it can go back to a pool.
struct ReleaseBodyFilter {
  /// Calls release().
  void operator()(BodyFilter* filter) const noexcept { filter->release(); }
};
/// Owns a BodyFilter.
using BodyFilterPointer = std::unique_ptr<BodyFilter, ReleaseBodyFilter>;

}  // namespace sluice::http

#endif
