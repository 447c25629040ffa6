// SPDX-License-Identifier: BSL-1.0
//
// The body of a received message, decoded by its Content-Encoding.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/compress.hpp>
#endif
#ifndef SLUICE_WEB_COMPRESS_DECODED_HPP
#define SLUICE_WEB_COMPRESS_DECODED_HPP

#include <cstddef>
#include <memory>
#include <optional>
#include <sluice/http/incoming_message.hpp>
#include <sluice/task.hpp>
#include <sluice/web/compress/coding.hpp>
#include <string>
#include <string_view>

namespace sluice::compress {

/// What a decoded body may be at most; 0: no limit. A body beyond it is ERR_BODY_TOO_LARGE.
struct Limits {
  /// Decoded bytes.
  std::size_t size = 16 * 1024 * 1024;
  /// How many times larger than the received bytes it may be. Counts from 64 KiB on.
  std::size_t ratio = 100;
};

/// A received body, decoded as it comes. A message without a Content-Encoding is passed on as it
/// is, with the limit of its size.
///
///     compress::Decoded body(req);
///     co_await pipe(body, file);
///
/// `message` must live as long as this. Its own read() and text() must not be used beside it.
class Decoded {
 public:
  explicit Decoded(http::IncomingMessage& message, Limits limits = {});
  Decoded(Decoded&&) noexcept;
  Decoded& operator=(Decoded&&) noexcept;
  ~Decoded();

  /// The next piece, valid until the next read; nullopt at the end.
  ///
  /// throws  what IncomingMessage::read() throws; ERR_UNSUPPORTED_ENCODING for a coding that is not
  ///         built in and for more than four of them, ERR_INVALID_CONTENT_ENCODING if the data is
  ///         damaged or cut short, ERR_BODY_TOO_LARGE beyond a limit
  /// cancel  total
  task<std::optional<std::string_view>> read();

  /// The rest of the body.
  ///
  /// throws  as read()
  task<std::string> text();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::compress

#endif
