// SPDX-License-Identifier: BSL-1.0
//
// The names, messages and details of errors, whoever reported them.
#include <boost/asio/error.hpp>
#include <cerrno>
#include <exception>
#include <iterator>
#include <optional>
#include <set>
#include <sluice/error.hpp>
#include <string>
#include <support/catch.hpp>
#include <type_traits>
#include <utility>

using namespace sluice;
using namespace sluice::http;
using sluice::error_code;

namespace {

error_code portable(int value) { return {value, boost::system::generic_category()}; }

constexpr int errorCount = static_cast<int>(std::size(sluice::detail::errorTexts));

}  // namespace

TEST_CASE("every enumerator of errc is a failure with a name and a message", "[Error]") {
  std::set<std::string_view> names;
  for (int value = 1; value <= errorCount; ++value) {
    const error_code code = static_cast<errc>(value);
    INFO("value " << value);
    CHECK(code.failed());
    CHECK(names.insert(errorName(code)).second);
    CHECK_FALSE(errorName(code).empty());
    CHECK_FALSE(code.message().empty());
    CHECK(code.message() != "Unknown error");
    CHECK(Error(code).what() == code.message());
  }
}

TEST_CASE("the first enumerator of errc is 1, so that 0 stays success", "[Error]") {
  CHECK(static_cast<int>(errc::ERR_HTTP_HEADERS_SENT) == 1);
  CHECK(static_cast<int>(errc::ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED) == errorCount);
  CHECK_FALSE(error_code(0, errorCategory()).failed());
}

TEST_CASE("an errc is named as it is spelt", "[Error]") {
#define CHECK_SPELLING(code) CHECK(errorName(errc::code) == #code)
  CHECK_SPELLING(ERR_HTTP_HEADERS_SENT);
  CHECK_SPELLING(ERR_HTTP_INVALID_STATUS_CODE);
  CHECK_SPELLING(ERR_HTTP_INVALID_HEADER_VALUE);
  CHECK_SPELLING(ERR_INVALID_HTTP_TOKEN);
  CHECK_SPELLING(ERR_INVALID_CHAR);
  CHECK_SPELLING(ERR_HTTP_TRAILER_INVALID);
  CHECK_SPELLING(ERR_HTTP_CONTENT_LENGTH_MISMATCH);
  CHECK_SPELLING(ERR_HTTP_BODY_NOT_ALLOWED);
  CHECK_SPELLING(ERR_HTTP_REQUEST_TIMEOUT);
  CHECK_SPELLING(ERR_UNESCAPED_CHARACTERS);
  CHECK_SPELLING(ERR_INVALID_PROTOCOL);
  CHECK_SPELLING(ERR_BODY_TOO_LARGE);
  CHECK_SPELLING(ERR_STREAM_WRITE_AFTER_END);
  CHECK_SPELLING(ERR_STREAM_DESTROYED);
  CHECK_SPELLING(ABORT_ERR);
  CHECK_SPELLING(ERR_SERVER_NOT_RUNNING);
  CHECK_SPELLING(HPE_INVALID_METHOD);
  CHECK_SPELLING(HPE_CHUNK_EXTENSIONS_OVERFLOW);
  CHECK_SPELLING(DEPTH_ZERO_SELF_SIGNED_CERT);
  CHECK_SPELLING(ERR_TLS_CERT_ALTNAME_INVALID);
  CHECK_SPELLING(ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED);
#undef CHECK_SPELLING
}

TEST_CASE("errors of the system have the names of errno", "[Error]") {
  CHECK(errorName(boost::asio::error::connection_reset) == "ECONNRESET");
  CHECK(errorName(boost::asio::error::connection_refused) == "ECONNREFUSED");
  CHECK(errorName(boost::asio::error::connection_aborted) == "ECONNABORTED");
  CHECK(errorName(boost::asio::error::address_in_use) == "EADDRINUSE");
  CHECK(errorName(portable(EADDRNOTAVAIL)) == "EADDRNOTAVAIL");
  CHECK(errorName(boost::asio::error::access_denied) == "EACCES");
  CHECK(errorName(boost::asio::error::broken_pipe) == "EPIPE");
  CHECK(errorName(boost::asio::error::timed_out) == "ETIMEDOUT");
  CHECK(errorName(boost::asio::error::host_unreachable) == "EHOSTUNREACH");
  CHECK(errorName(boost::asio::error::network_unreachable) == "ENETUNREACH");
  CHECK(errorName(boost::asio::error::no_descriptors) == "EMFILE");
  CHECK(errorName(portable(ENOENT)) == "ENOENT");
  CHECK(errorName(portable(EPROTO)) == "EPROTO");
  CHECK(errorName(boost::asio::error::operation_not_supported) == "ENOTSUP");
  CHECK(errorName(boost::asio::error::would_block) == "EAGAIN");
}

TEST_CASE("the generic category and Asio's enumerators name the same errors", "[Error]") {
  CHECK(errorName(error_code(EPIPE, boost::system::generic_category())) == "EPIPE");
  CHECK(errorName(make_error_code(boost::system::errc::no_such_file_or_directory)) == "ENOENT");
  CHECK(errorName(boost::asio::error::connection_reset) == "ECONNRESET");
  CHECK(errorName(boost::asio::error::timed_out) == "ETIMEDOUT");
  CHECK(errorName(boost::asio::error::broken_pipe) == "EPIPE");
}

TEST_CASE("a wait that was cancelled has the name of Node's AbortError", "[Error]") {
  CHECK(errorName(boost::asio::error::operation_aborted) == "ABORT_ERR");
  CHECK(Error(boost::asio::error::operation_aborted).name() == "ABORT_ERR");
  CHECK(errorName(error_code(ECANCELED, boost::system::generic_category())) == "ECANCELED");
}

TEST_CASE("failed name lookups have the names that Node gives them", "[Error]") {
  CHECK(errorName(boost::asio::error::host_not_found) == "ENOTFOUND");
  CHECK(errorName(boost::asio::error::no_data) == "ENOTFOUND");
  CHECK(errorName(boost::asio::error::host_not_found_try_again) == "EAI_AGAIN");
  CHECK(errorName(boost::asio::error::no_recovery) == "EAI_FAIL");
  CHECK(errorName(boost::asio::error::service_not_found) == "EAI_SERVICE");
  CHECK(errorName(boost::asio::error::socket_type_not_supported) == "EAI_SOCKTYPE");
}

TEST_CASE("the end of a connection is named EOF", "[Error]") {
  CHECK(errorName(boost::asio::error::eof) == "EOF");
}

TEST_CASE("success has no name, and what nobody knows is UNKNOWN", "[Error]") {
  CHECK(errorName(error_code()).empty());
  CHECK(errorName(error_code(99999, boost::system::system_category())) == "UNKNOWN");
  CHECK(errorName(boost::asio::error::fd_set_failure) == "UNKNOWN");
  CHECK(errorName(error_code(errorCount + 1, errorCategory())) == "UNKNOWN");
  CHECK(errorName(error_code(-1, errorCategory())) == "UNKNOWN");
  CHECK(error_code(errorCount + 1, errorCategory()).message() == "Unknown error");
}

TEST_CASE("an errc becomes an error_code of the category sluice", "[Error]") {
  const error_code code = errc::HPE_INVALID_METHOD;
  CHECK(code == errc::HPE_INVALID_METHOD);
  CHECK(code != errc::HPE_INVALID_URL);
  CHECK(code.category() == errorCategory());
  CHECK(std::string(errorCategory().name()) == "sluice");
  CHECK(code != error_code(code.value(), boost::system::generic_category()));
}

TEST_CASE("what() says what happened and nothing else", "[Error]") {
  CHECK(std::string(Error(errc::ERR_HTTP_HEADERS_SENT).what()) ==
        "Cannot set headers after they are sent to the client");
  CHECK(std::string(Error(errc::ERR_STREAM_WRITE_AFTER_END, {}).what()) == "write after end");
  CHECK(std::string(Error(errc::ERR_SERVER_NOT_RUNNING).what()) == "Server is not running.");
  CHECK(std::string(Error(boost::asio::error::connection_reset, "socket hang up").what()) ==
        "socket hang up");
}

TEST_CASE("an error that is neither of the parser nor of a connection has no details", "[Error]") {
  const Error error(errc::ERR_INVALID_CHAR, "Invalid character in statusMessage");
  CHECK(error.code() == errc::ERR_INVALID_CHAR);
  CHECK(error.name() == "ERR_INVALID_CHAR");
  CHECK(error.bytesParsed() == 0);
  CHECK(error.rawPacket().empty());
  CHECK(error.reason().empty());
  CHECK(error.syscall().empty());
  CHECK(error.address().empty());
  CHECK(error.port() == 0);
}

TEST_CASE("a parse error tells the reason, the bytes and how far they were good", "[Error]") {
  const std::string packet("GET\0/ HTTP/1.1\r\n", 16);
  const Error error = Error::parse(errc::HPE_INVALID_METHOD, "No space behind it", 3, packet);
  CHECK(std::string(error.what()) == "Parse Error: No space behind it");
  CHECK(error.name() == "HPE_INVALID_METHOD");
  CHECK(error.reason() == "No space behind it");
  CHECK(error.bytesParsed() == 3);
  CHECK(error.rawPacket() == packet);
  CHECK(error.syscall().empty());
}

TEST_CASE("a parse error without a reason has the message of its code for one", "[Error]") {
  const Error error = Error::parse(errc::HPE_HEADER_OVERFLOW, {}, 0, {});
  CHECK(error.reason() == "The head is larger than the limit");
  CHECK(std::string(error.what()) == "Parse Error: The head is larger than the limit");
}

TEST_CASE("a connection error tells the call, the address and the port", "[Error]") {
  const Error error =
      Error::connection(boost::asio::error::connection_refused, "connect", "127.0.0.1", 8080);
  CHECK(std::string(error.what()) == "connect ECONNREFUSED 127.0.0.1:8080");
  CHECK(error.code() == boost::asio::error::connection_refused);
  CHECK(error.name() == "ECONNREFUSED");
  CHECK(error.syscall() == "connect");
  CHECK(error.address() == "127.0.0.1");
  CHECK(error.port() == 8080);
  CHECK(error.reason().empty());
}

TEST_CASE("a failed listen() says in words why, as in Node", "[Error]") {
  CHECK(
      std::string(Error::connection(boost::asio::error::address_in_use, "listen", "127.0.0.1", 8080)
                      .what()) == "listen EADDRINUSE: address already in use 127.0.0.1:8080");
  CHECK(std::string(
            Error::connection(boost::asio::error::access_denied, "listen", "::", 80).what()) ==
        "listen EACCES: permission denied :::80");
  CHECK(std::string(Error::connection(boost::asio::error::address_in_use, "listen", "/run/a.sock")
                        .what()) == "listen EADDRINUSE: address already in use /run/a.sock");
}

TEST_CASE("what() of a connection error leaves out what is not known", "[Error]") {
  CHECK(std::string(Error::connection(boost::asio::error::connection_reset, "read").what()) ==
        "read ECONNRESET");
  CHECK(std::string(Error::connection(portable(ENOENT), "connect", "/run/a.sock").what()) ==
        "connect ENOENT /run/a.sock");
  CHECK(std::string(Error::connection(boost::asio::error::host_not_found, "getaddrinfo", "no.such")
                        .what()) == "getaddrinfo ENOTFOUND no.such");
}

TEST_CASE("copies and moves of an error share its details and outlive it", "[Error]") {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<Error>);
  STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<Error>);

  std::optional<Error> original(Error::parse(errc::HPE_STRICT, "why", 1, "bytes"));
  const std::string_view packet = original->rawPacket();
  Error copy(errc::ABORT_ERR);
  copy = *original;
  const Error moved = std::move(*original);
  CHECK(std::string(original->what()) == "Parse Error: why");
  original.reset();
  CHECK(copy.rawPacket().data() == packet.data());
  CHECK(moved.rawPacket() == "bytes");
  CHECK(copy.name() == "HPE_STRICT");
  CHECK(copy.code() == errc::HPE_STRICT);
}

TEST_CASE("an error is caught as itself, as a system_error and as an exception", "[Error]") {
  CHECK_THROWS_AS(throw Error(errc::ABORT_ERR), Error);
  CHECK_THROWS_AS(throw Error(errc::ABORT_ERR), boost::system::system_error);

  const std::exception_ptr held = std::make_exception_ptr(
      Error::connection(boost::asio::error::connection_refused, "connect", "::1", 1));
  std::string text;
  try {
    std::rethrow_exception(held);
  } catch (const std::exception& error) {
    text = error.what();
  }
  CHECK(text == "connect ECONNREFUSED ::1:1");
}
