// SPDX-License-Identifier: BSL-1.0
//
// The error category, the names of other people's error codes, and the texts of exceptions.
#pragma once

#include <boost/asio/error.hpp>
#include <cerrno>
#include <iterator>
#include <sluice/detail/reserve.hpp>
#include <sluice/error.hpp>
#include <utility>

namespace sluice {

namespace detail {

class ErrorCategory final : public boost::system::error_category {
 public:
  // A fixed identity, so that codes from two shared objects compare equal.
  constexpr ErrorCategory() noexcept : error_category(0x8d3f1c5a7be2904fULL) {}

  const char* name() const noexcept override { return "sluice"; }

  std::string message(int value) const override {
    const ErrorText* text = find(value);
    return std::string(text != nullptr ? text->message : "Unknown error");
  }

  static const ErrorText* find(int value) noexcept {
    const auto index = static_cast<std::size_t>(value) - 1;
    return index < std::size(errorTexts) ? &errorTexts[index] : nullptr;
  }
};

struct ErrnoName {
  int value;
  std::string_view name;
};

// The values that have a name in Node. Two names of one value (EAGAIN and EWOULDBLOCK, ENOTSUP and
// EOPNOTSUPP) are told apart as Node does: by the first of them.
inline constexpr ErrnoName errnoNames[] = {
    {E2BIG, "E2BIG"},
    {EACCES, "EACCES"},
    {EADDRINUSE, "EADDRINUSE"},
    {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    {EAFNOSUPPORT, "EAFNOSUPPORT"},
    {EAGAIN, "EAGAIN"},
    {EALREADY, "EALREADY"},
    {EBADF, "EBADF"},
    {EBUSY, "EBUSY"},
    {ECANCELED, "ECANCELED"},
    {ECONNABORTED, "ECONNABORTED"},
    {ECONNREFUSED, "ECONNREFUSED"},
    {ECONNRESET, "ECONNRESET"},
    {EDESTADDRREQ, "EDESTADDRREQ"},
    {EEXIST, "EEXIST"},
    {EFAULT, "EFAULT"},
    {EFBIG, "EFBIG"},
    {EHOSTUNREACH, "EHOSTUNREACH"},
    {EILSEQ, "EILSEQ"},
    {EINTR, "EINTR"},
    {EINVAL, "EINVAL"},
    {EIO, "EIO"},
    {EISCONN, "EISCONN"},
    {EISDIR, "EISDIR"},
    {ELOOP, "ELOOP"},
    {EMFILE, "EMFILE"},
    {EMLINK, "EMLINK"},
    {EMSGSIZE, "EMSGSIZE"},
    {ENAMETOOLONG, "ENAMETOOLONG"},
    {ENETDOWN, "ENETDOWN"},
    {ENETUNREACH, "ENETUNREACH"},
    {ENFILE, "ENFILE"},
    {ENOBUFS, "ENOBUFS"},
    {ENODATA, "ENODATA"},
    {ENODEV, "ENODEV"},
    {ENOENT, "ENOENT"},
    {ENOMEM, "ENOMEM"},
    {ENOPROTOOPT, "ENOPROTOOPT"},
    {ENOSPC, "ENOSPC"},
    {ENOSYS, "ENOSYS"},
    {ENOTCONN, "ENOTCONN"},
    {ENOTDIR, "ENOTDIR"},
    {ENOTEMPTY, "ENOTEMPTY"},
    {ENOTSOCK, "ENOTSOCK"},
    {ENOTSUP, "ENOTSUP"},
    {EOPNOTSUPP, "EOPNOTSUPP"},
    {ENOTTY, "ENOTTY"},
    {ENXIO, "ENXIO"},
    {EOVERFLOW, "EOVERFLOW"},
    {EPERM, "EPERM"},
    {EPIPE, "EPIPE"},
    {EPROTO, "EPROTO"},
    {EPROTONOSUPPORT, "EPROTONOSUPPORT"},
    {EPROTOTYPE, "EPROTOTYPE"},
    {ERANGE, "ERANGE"},
    {EROFS, "EROFS"},
    {ESPIPE, "ESPIPE"},
    {ESRCH, "ESRCH"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {ETXTBSY, "ETXTBSY"},
    {EXDEV, "EXDEV"},
#if defined(EHOSTDOWN)
    {EHOSTDOWN, "EHOSTDOWN"},
#endif
#if defined(ENONET)
    {ENONET, "ENONET"},
#endif
#if defined(EREMOTEIO)
    {EREMOTEIO, "EREMOTEIO"},
#endif
#if defined(ESHUTDOWN)
    {ESHUTDOWN, "ESHUTDOWN"},
#endif
#if defined(ESOCKTNOSUPPORT)
    {ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT"},
#endif
#if defined(EUNATCH)
    {EUNATCH, "EUNATCH"},
#endif
};

inline std::string_view errnoName(int value) noexcept {
  for (const ErrnoName& entry : errnoNames) {
    if (entry.value == value) return entry.name;
  }
  return "UNKNOWN";
}

// Asio's categories for name resolution and for its own few errors.
inline std::string_view asioErrorName(const error_code& code) noexcept {
  namespace error = boost::asio::error;
  // Node makes no difference between an unknown host and one without an address.
  if (code == error::host_not_found || code == error::no_data) return "ENOTFOUND";
  if (code == error::host_not_found_try_again) return "EAI_AGAIN";
  if (code == error::no_recovery) return "EAI_FAIL";
  if (code == error::service_not_found) return "EAI_SERVICE";
  if (code == error::socket_type_not_supported) return "EAI_SOCKTYPE";
  if (code == error::eof) return "EOF";
  // Two names for one thing, or for one number on Linux only. These are libuv's.
  if (code == error::operation_not_supported) return "ENOTSUP";
  if (code == error::would_block) return "EAGAIN";
#if defined(_WIN32)
  if (code == error::shut_down) return "EPIPE";
#endif
  // A wait that was given up, as an AbortSignal of Node's ends one.
  if (code == error::operation_aborted) return "ABORT_ERR";
  return {};
}

// The words of libuv, which Node has on every system; Windows would say a whole sentence.
inline std::string wordsOfListening(const error_code& code) {
  const std::string_view name = errorName(code);
  if (name == "EADDRINUSE") return "address already in use";
  if (name == "EADDRNOTAVAIL") return "address not available";
  if (name == "EACCES") return "permission denied";
  std::string message = code.message();
  if (!message.empty() && message.front() >= 'A' && message.front() <= 'Z') {
    message.front() = static_cast<char>(message.front() - 'A' + 'a');
  }
  return message;
}

}  // namespace detail

SLUICE_DECL const boost::system::error_category& errorCategory() noexcept {
  static const detail::ErrorCategory category;
  return category;
}

SLUICE_DECL std::string_view errorName(error_code code) noexcept {
  if (!code.failed()) return {};
  if (code.category() == errorCategory()) {
    const detail::ErrorText* text = detail::ErrorCategory::find(code.value());
    return text != nullptr ? text->name : std::string_view("UNKNOWN");
  }
  if (const std::string_view name = detail::asioErrorName(code); !name.empty()) return name;
  const boost::system::error_condition condition = code.default_error_condition();
  if (condition.category() == boost::system::generic_category()) {
    return detail::errnoName(condition.value());
  }
  return "UNKNOWN";
}

struct Error::Details {
  std::string what{};
  std::string reason{}, rawPacket{};
  std::string syscall{}, address{};
  std::string method{}, url{};
  std::size_t bytesParsed = 0;
  std::uint16_t port = 0;
};

SLUICE_DECL Error::Error(Details details, error_code code)
    : system_error(code), details_(std::make_shared<const Details>(std::move(details))) {}

SLUICE_DECL Error::Error(error_code code, std::string what)
    : Error(detail::withReserve(
          [&] { return Error(Details{.what = what.empty() ? code.message() : what}, code); })) {}

SLUICE_DECL Error Error::parse(error_code code, std::string reason, std::size_t bytesParsed,
                               std::string rawPacket) {
  Details details;
  details.reason = reason.empty() ? code.message() : std::move(reason);
  details.what = "Parse Error: " + details.reason;
  details.bytesParsed = bytesParsed;
  details.rawPacket = std::move(rawPacket);
  return Error(std::move(details), code);
}

SLUICE_DECL Error Error::connection(error_code code, std::string syscall, std::string address,
                                    std::uint16_t port) {
  Details details;
  details.what = syscall + ' ' + std::string(errorName(code));
  // As in Node, only listen() adds the words.
  if (syscall == "listen") details.what += ": " + detail::wordsOfListening(code);
  if (!address.empty()) details.what += ' ' + address;
  if (port != 0) details.what += ':' + std::to_string(port);
  details.syscall = std::move(syscall);
  details.address = std::move(address);
  details.port = port;
  return Error(std::move(details), code);
}

SLUICE_DECL Error Error::ofRequest(std::string_view method, std::string_view url) const {
  Details details = *details_;
  details.method = method;
  details.url = url;
  return Error(std::move(details), code());
}

namespace detail {

SLUICE_DECL void throwOutOfRange(std::string_view name, std::string_view range,
                                 std::int64_t received) {
  std::string what = "The value of \"";
  what.append(name).append("\" is out of range. It must be ").append(range);
  throw Error(make_error_code(errc::ERR_OUT_OF_RANGE),
              what + ". Received " + std::to_string(received));
}

SLUICE_DECL void throwEmpty(std::string_view name) {
  throw Error(make_error_code(errc::ERR_INVALID_STATE),
              std::string(name) + " is empty: it was moved away");
}

}  // namespace detail

SLUICE_DECL const char* Error::what() const noexcept { return details_->what.c_str(); }
SLUICE_DECL std::size_t Error::bytesParsed() const noexcept { return details_->bytesParsed; }
SLUICE_DECL std::string_view Error::rawPacket() const noexcept { return details_->rawPacket; }
SLUICE_DECL std::string_view Error::reason() const noexcept { return details_->reason; }
SLUICE_DECL std::string_view Error::syscall() const noexcept { return details_->syscall; }
SLUICE_DECL std::string_view Error::address() const noexcept { return details_->address; }
SLUICE_DECL std::uint16_t Error::port() const noexcept { return details_->port; }
SLUICE_DECL std::string_view Error::method() const noexcept { return details_->method; }
SLUICE_DECL std::string_view Error::url() const noexcept { return details_->url; }

}  // namespace sluice
