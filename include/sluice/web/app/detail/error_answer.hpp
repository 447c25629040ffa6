// SPDX-License-Identifier: BSL-1.0
//
// The answer to a request that cannot be answered as it was meant to be.
#pragma once

#include <sluice/web/app/config.hpp>
#include <sluice/write_result.hpp>
#include <string>
#include <string_view>

namespace sluice::app {
class Request;
class Response;
}  // namespace sluice::app

namespace sluice::app::detail {

/// Drops the headers that describe the content that was to be sent, and how long it may be kept.
void dropContentHeaders(Response& res);

/// Sends a status and a sentence, as JSON or text by what the client accepts. Headers that describe
/// another body are dropped, all others stay.
///
/// message  empty: the standard phrase of the status
WriteResult answerStatus(Request& req, Response& res, int status, std::string_view message = {});

/// `text` with the quotes of JSON.
std::string jsonString(std::string_view text);

}  // namespace sluice::app::detail
