// SPDX-License-Identifier: BSL-1.0
//
// What can go wrong, under Node's own names: the error codes of the library, the name of any
// other error code, and the exception that carries both. The names of TLS errors are here too, so
// that a program which handles them needs no OpenSSL header.
#pragma once

#include <sluice/config.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace sluice {

/// Boost's error_code. Every failure of the library is one, alone or in an Error.
using error_code = boost::system::error_code;

// The one list of the enumerators, their names and their default messages, so that the three
// cannot disagree. It is undefined again below, hence not in config.hpp. The thrower may give a
// text that says more.
#define SLUICE_ERRORS(X)                                                                          \
  /* Messages and their headers */                                                                \
  X(ERR_HTTP_HEADERS_SENT, "Cannot set headers after they are sent to the client")                \
  X(ERR_HTTP_INVALID_STATUS_CODE, "Invalid status code")                                          \
  X(ERR_HTTP_INVALID_HEADER_VALUE, "Invalid value for header")                                    \
  X(ERR_INVALID_HTTP_TOKEN, "Header name must be a valid HTTP token")                             \
  X(ERR_INVALID_CHAR, "Invalid character in header content")                                      \
  X(ERR_HTTP_TRAILER_INVALID, "Trailers are invalid with this transfer encoding")                 \
  X(ERR_HTTP_CONTENT_LENGTH_MISMATCH,                                                             \
    "Response body's length does not match the content-length set in header")                     \
  X(ERR_HTTP_BODY_NOT_ALLOWED,                                                                    \
    "Adding content for this request method or response status is not allowed.")                  \
  X(ERR_HTTP_REQUEST_TIMEOUT, "Request timeout")                                                  \
  X(ERR_UNESCAPED_CHARACTERS, "Request path contains unescaped characters")                       \
  X(ERR_INVALID_PROTOCOL, "Protocol not supported")                                               \
  X(ERR_BODY_TOO_LARGE, "The body is larger than the limit")                                      \
  /* Arguments */                                                                                 \
  X(ERR_INVALID_ARG_TYPE, "An argument has the wrong type")                                       \
  X(ERR_INVALID_ARG_VALUE, "An argument has an invalid value")                                    \
  X(ERR_OUT_OF_RANGE, "A value is out of range")                                                  \
  X(ERR_INVALID_URL, "Invalid URL")                                                               \
  X(ERR_INVALID_IP_ADDRESS, "Invalid IP address")                                                 \
  X(ERR_INVALID_STATE, "The object is in a state that does not allow this call")                  \
  X(ERR_UNKNOWN_ENCODING, "Unknown encoding")                                                     \
  /* Streams */                                                                                   \
  X(ERR_STREAM_WRITE_AFTER_END, "write after end")                                                \
  X(ERR_STREAM_DESTROYED, "Cannot call write after a stream was destroyed")                       \
  X(ERR_STREAM_ALREADY_FINISHED, "Cannot call end after a stream was finished")                   \
  X(ERR_STREAM_CANNOT_PIPE, "Cannot pipe, not readable")                                          \
  X(ERR_STREAM_PREMATURE_CLOSE, "Premature close")                                                \
  X(ABORT_ERR, "The operation was aborted")                                                       \
  /* Servers and sockets */                                                                       \
  X(ERR_SERVER_NOT_RUNNING, "Server is not running.")                                             \
  X(ERR_SERVER_ALREADY_LISTEN, "Listen method has been called more than once without closing.")   \
  X(ERR_SOCKET_BAD_PORT, "A port must be from 0 to 65535")                                        \
  X(ERR_SOCKET_CLOSED, "Socket is closed")                                                        \
  X(ERR_PROXY_PROTOCOL_HEADER, "The connection does not begin with a valid PROXY header")         \
  X(ERR_PROXY_PROTOCOL_TIMEOUT, "The PROXY header did not come in time")                          \
  X(ERR_UNHANDLED_ERROR, "A handler threw something that is no error of the library")             \
  /* Content codings, fetch */                                                                    \
  X(ERR_UNSUPPORTED_ENCODING, "The content coding is not supported")                              \
  X(ERR_INVALID_CONTENT_ENCODING, "The encoded bytes are damaged or incomplete")                  \
  X(ERR_TOO_MANY_REDIRECTS, "There are more redirects than are followed")                         \
  X(ERR_UNEXPECTED_REDIRECT, "The response is a redirect, which is not wanted")                   \
  X(ERR_INSECURE_REDIRECT, "A redirect leads from https to http")                                 \
  X(ERR_BODY_NOT_REPEATABLE, "The body is needed once more, but it was streamed")                 \
  X(ERR_PROXY_CONNECTION_FAILED, "The proxy did not connect to the server")                       \
  X(ERR_PROXY_INVALID_CONFIG, "What the environment says of a proxy cannot be used")              \
  X(ERR_PROXY_TUNNEL, "The proxy did not open a tunnel to the server")                            \
  /* WebSocket */                                                                                 \
  X(ERR_WEBSOCKET_HANDSHAKE, "The peer has not agreed to a WebSocket")                            \
  X(ERR_WEBSOCKET_PROTOCOL, "The peer broke the WebSocket protocol")                              \
  X(ERR_WEBSOCKET_INVALID_UTF8, "A text message is not UTF-8")                                    \
  X(ERR_WEBSOCKET_INVALID_DATA, "A compressed message cannot be decoded")                         \
  X(ERR_WEBSOCKET_MESSAGE_TOO_LARGE, "A message is larger than the limit")                        \
  /* The parser */                                                                                \
  X(HPE_INVALID_METHOD, "The request method is not known")                                        \
  X(HPE_INVALID_URL, "The request target has a character or a form that is not allowed")          \
  X(HPE_INVALID_VERSION, "The HTTP version is missing or not supported")                          \
  X(HPE_INVALID_CONSTANT, "The start line is malformed")                                          \
  X(HPE_INVALID_STATUS, "The status code is malformed")                                           \
  X(HPE_INVALID_HEADER_TOKEN, "A header line has a character that is not allowed")                \
  X(HPE_INVALID_CONTENT_LENGTH, "The Content-Length is not a usable number")                      \
  X(HPE_UNEXPECTED_CONTENT_LENGTH, "A Content-Length is not allowed here")                        \
  X(HPE_INVALID_TRANSFER_ENCODING, "The Transfer-Encoding does not delimit the body")             \
  X(HPE_INVALID_CHUNK_SIZE, "A chunk size is not a usable number")                                \
  X(HPE_INVALID_EOF_STATE, "The connection ended in the middle of a message")                     \
  X(HPE_CLOSED_CONNECTION, "Bytes arrived behind the last message of the connection")             \
  X(HPE_CR_EXPECTED, "A line does not end with CR LF: CR is missing")                             \
  X(HPE_LF_EXPECTED, "A line does not end with CR LF: LF is missing")                             \
  X(HPE_STRICT, "The message deviates from the grammar")                                          \
  X(HPE_UNEXPECTED_SPACE, "There is a space where none is allowed")                               \
  X(HPE_HEADER_OVERFLOW, "The head is larger than the limit")                                     \
  X(HPE_CHUNK_EXTENSIONS_OVERFLOW, "The chunk extensions are larger than the limit")              \
  X(HPE_INTERNAL, "The parser failed for another reason")                                         \
  /* TLS: certificates */                                                                         \
  X(DEPTH_ZERO_SELF_SIGNED_CERT, "The certificate is self-signed and not trusted")                \
  X(SELF_SIGNED_CERT_IN_CHAIN, "The chain ends in a self-signed certificate that is not trusted") \
  X(CERT_HAS_EXPIRED, "The certificate has expired")                                              \
  X(CERT_NOT_YET_VALID, "The certificate is not valid yet")                                       \
  X(UNABLE_TO_VERIFY_LEAF_SIGNATURE, "The first certificate could not be verified")               \
  X(UNABLE_TO_GET_ISSUER_CERT, "The certificate of an issuer was not found")                      \
  X(UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "The certificate of an issuer is not among the trusted")   \
  X(CERT_REVOKED, "The certificate was revoked")                                                  \
  X(CERT_UNTRUSTED, "The certificate is not trusted for this purpose")                            \
  X(CERT_REJECTED, "The root certificate rejects this purpose")                                   \
  X(CERT_SIGNATURE_FAILURE, "The signature of a certificate is wrong")                            \
  X(CERT_CHAIN_TOO_LONG, "The chain of certificates is too long")                                 \
  X(INVALID_CA, "An issuer is not a certificate authority")                                       \
  X(INVALID_PURPOSE, "The certificate is not meant for this purpose")                             \
  X(PATH_LENGTH_EXCEEDED, "An issuer allows fewer certificates below it")                         \
  X(HOSTNAME_MISMATCH, "The certificate is for another host")                                     \
  X(UNSPECIFIED, "The certificate could not be verified")                                         \
  X(ERR_TLS_CERT_ALTNAME_INVALID, "The certificate does not name this host")                      \
  /* TLS: keys */                                                                                 \
  X(ERR_OSSL_PEM_NO_START_LINE, "The text holds no PEM block")                                    \
  X(ERR_OSSL_UNSUPPORTED, "The key has a format that is not supported")                           \
  X(ERR_OSSL_BAD_DECRYPT, "The passphrase is missing or wrong")                                   \
  X(ERR_OSSL_X509_KEY_VALUES_MISMATCH, "The key does not belong to the certificate")              \
  /* TLS: the protocol */                                                                         \
  X(ERR_TLS_HANDSHAKE_TIMEOUT, "The TLS handshake took too long")                                 \
  X(ERR_TLS_INVALID_PROTOCOL_VERSION, "The TLS version asked for is not known")                   \
  X(ERR_SSL_WRONG_VERSION_NUMBER, "The peer does not speak TLS")                                  \
  X(ERR_SSL_BAD_RECORD_TYPE, "What the peer sent is no record of TLS")                            \
  X(ERR_SSL_HTTP_REQUEST, "The peer sent a plain HTTP request")                                   \
  X(ERR_SSL_HTTPS_PROXY_REQUEST, "The peer sent a plain CONNECT request")                         \
  X(ERR_SSL_NO_SHARED_CIPHER, "The peers have no cipher in common")                               \
  X(ERR_SSL_NO_APPLICATION_PROTOCOL, "The peers have no ALPN protocol in common")                 \
  X(ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE, "The peer has sent no certificate")                \
  X(ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "What the peer sent was changed on its way")     \
  X(ERR_SSL_NO_CIPHER_MATCH, "None of the ciphers asked for is known")                            \
  X(ERR_SSL_UNSUPPORTED_PROTOCOL, "The peers have no TLS version in common")                      \
  X(ERR_SSL_UNEXPECTED_EOF, "The connection ended without TLS's close_notify")                    \
  X(ERR_SSL_TLSV1_ALERT_UNKNOWN_CA, "The peer does not know the certificate's issuer")            \
  X(ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION, "The peer does not support the TLS version")            \
  X(ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR, "The peer met an internal TLS error")                     \
  X(ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR, "The peer could not verify the handshake")                 \
  X(ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "The peer supports none of the ALPN protocols")  \
  X(ERR_SSL_TLSV1_UNRECOGNIZED_NAME, "The peer does not know the server name")                    \
  X(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED, "The peer requires a certificate")                 \
  X(ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE, "The peer refused the TLS parameters")                 \
  X(ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE, "The peer found the certificate to be bad")              \
  X(ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "The peer does not support the certificate")     \
  X(ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "The peer did not accept the certificate")           \
  X(ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED, "The peer found the certificate to have expired")    \
  X(ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED, "The peer found the certificate to be revoked")

namespace detail {
struct ErrorText {
  std::string_view name, message;
};

#define SLUICE_TEXT(name, message) {#name, message},
inline constexpr ErrorText errorTexts[] = {SLUICE_ERRORS(SLUICE_TEXT)};
#undef SLUICE_TEXT

#define SLUICE_NAME(name, message) name,
enum class ErrorIndex { SLUICE_ERRORS(SLUICE_NAME) };
#undef SLUICE_NAME
}  // namespace detail

#define SLUICE_ENUMERATOR(name, message) name = static_cast<int>(detail::ErrorIndex::name) + 1,
/// What the library itself reports. Errors of the system and of Asio keep their own error codes;
/// errorName() gives Node's name for either kind. The first one is 1: 0 would mean success.
enum class errc { SLUICE_ERRORS(SLUICE_ENUMERATOR) };
#undef SLUICE_ENUMERATOR

#undef SLUICE_ERRORS

/// The category of `errc`, named "sluice".
const boost::system::error_category& errorCategory() noexcept;

/// Lets an `errc` become an error_code; Boost.System calls it.
inline error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), errorCategory()};
}

/// Node's code for an error of any kind: "ECONNRESET", "ENOTFOUND", "ERR_STREAM_DESTROYED".
///
/// "" for success, "EOF" for the end of a connection as Asio reports it, "ABORT_ERR" for a wait
/// that was cancelled, and "UNKNOWN" for an error that Node has no code for. The text lives as long
/// as the program.
std::string_view errorName(error_code code) noexcept;

/// Every exception of the library: an error code, Node's name for it, and a sentence.
///
/// Copying shares the details and never throws; views into them are valid as long as one copy is.
class Error : public boost::system::system_error {
 public:
  /// what() is the given text, or the message of the code if it is empty.
  explicit Error(error_code code, std::string what = {});

  // There is no moved-from error: moving copies.
  Error(const Error&) noexcept = default;
  Error& operator=(const Error&) noexcept = default;

  /// Received bytes that are no HTTP: what() is "Parse Error: " and the reason.
  ///
  /// reason       in words; the message of the code if it is empty
  /// bytesParsed  how many bytes of `rawPacket` came before the one that is wrong
  /// rawPacket    what was received last
  static Error parse(error_code code, std::string reason, std::size_t bytesParsed,
                     std::string rawPacket);

  /// A system call that failed: what() is "connect ECONNREFUSED 127.0.0.1:8080".
  ///
  /// address  an IP address, the path of a Unix socket, or for "getaddrinfo" the host; may be empty
  /// port     0: none, and what() does not show it
  static Error connection(error_code code, std::string syscall, std::string address = {},
                          std::uint16_t port = 0);

  /// A copy that says which request it belongs to. The texts are copied.
  Error ofRequest(std::string_view method, std::string_view url) const;

  /// Says which call failed, why, and on what. It is valid as long as the error.
  SLUICE_DECL const char* what() const noexcept override;

  /// errorName(code()).
  std::string_view name() const noexcept { return errorName(code()); }

  /// Of an error made by parse(); else 0 and empty.
  std::size_t bytesParsed() const noexcept;
  std::string_view rawPacket() const noexcept;
  std::string_view reason() const noexcept;

  /// Of an error made by connection(); else empty and 0.
  std::string_view syscall() const noexcept;
  std::string_view address() const noexcept;
  std::uint16_t port() const noexcept;

  /// Of an error that a server's "error" brings because a handler has thrown: the request that it
  /// answered. Else empty.
  std::string_view method() const noexcept;
  std::string_view url() const noexcept;

 private:
  struct Details;
  // The details first, so that Error(code, {}) has one meaning.
  Error(Details details, error_code code);

  // Shared by all copies: exceptions are copied while others are in flight.
  std::shared_ptr<const Details> details_;
};

namespace detail {

/// Throws ERR_OUT_OF_RANGE in Node's words: `The value of "name" is out of range. It must be
/// <range>. Received <received>`.
[[noreturn]] void throwOutOfRange(std::string_view name, std::string_view range,
                                  std::int64_t received);

/// Throws ERR_INVALID_STATE: "<name> is empty: it was moved away".
[[noreturn]] void throwEmpty(std::string_view name);

/// What a handle holds that may be empty.
///
/// name    "The server", for the error of an empty one
/// throws  ERR_INVALID_STATE
template <class Pointer>
const Pointer& held(const Pointer& pointer, std::string_view name) {
  if (!pointer) throwEmpty(name);
  return pointer;
}

/// For the times of a server's options.
inline void requireTime(std::string_view name, std::chrono::milliseconds time) {
  // The upper limit is Node's, whose numbers end there; here it may be exceeded.
  if (time.count() < 0) throwOutOfRange(name, ">= 0 && <= 9007199254740991", time.count());
}
/// For what becomes a connection's idle time.
inline void requireIdleTime(std::string_view name, std::chrono::milliseconds time) {
  if (time.count() < 0) throwOutOfRange(name, "a non-negative finite number", time.count());
}

}  // namespace detail

namespace http {
using sluice::errc;
using sluice::Error;
using sluice::errorCategory;
using sluice::errorName;
using sluice::make_error_code;
}  // namespace http

}  // namespace sluice

template <>
struct boost::system::is_error_code_enum<sluice::errc> : std::true_type {};

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/base.hpp>
#endif
