// SPDX-License-Identifier: BSL-1.0
//
// What a user's handler threw, as the error that an "error" event brings.
#pragma once

#include <boost/system/system_error.hpp>
#include <exception>
#include <sluice/error.hpp>

namespace sluice::net::detail {

/// Errors of the library as they are, system errors with their code, all else as
/// ERR_UNHANDLED_ERROR with the exception's text.
inline http::Error handlerError(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const http::Error& error) {
    return error;
  } catch (const boost::system::system_error& error) {
    return http::Error(error.code(), error.what());
  } catch (const std::exception& error) {
    return http::Error(make_error_code(http::errc::ERR_UNHANDLED_ERROR), error.what());
  } catch (...) {
    return http::Error(make_error_code(http::errc::ERR_UNHANDLED_ERROR));
  }
}

}  // namespace sluice::net::detail
