// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server_response.hpp.
#pragma once

#include <sluice/detail/post.hpp>
#include <sluice/http/detail/server/exchange.hpp>
#include <sluice/http/server_response.hpp>

namespace sluice::http {

SLUICE_DECL void ServerResponse::attach(detail::ServerExchange& exchange) {
  exchange_ = &exchange;
  state_ = exchange.outgoingState();
}

SLUICE_DECL ServerResponse& ServerResponse::composeNow(int status, std::string_view reason,
                                                       const Headers* headers) {
  requireHeadersNotSent("write");
  const int before = std::exchange(statusCode, status);
  try {
    if (state_->filter) {
      // It sees all headers, and may change the status.
      if (headers != nullptr) setHeaders(*headers);
      statusMessage = std::string(reason);
      beginFilter(std::nullopt);
      reason = statusMessage;
      headers = nullptr;
    }
    exchange_->composeHead(state_->heldHead, *this, reason, headers, std::nullopt);
  } catch (...) {
    statusCode = before;
    throw;
  }
  if (!reason.empty()) statusMessage = reason;
  return *this;
}

SLUICE_DECL ServerResponse& ServerResponse::writeHead(int status) {
  return composeNow(status, statusMessage, nullptr);
}
SLUICE_DECL ServerResponse& ServerResponse::writeHead(int status, const Headers& headers) {
  return composeNow(status, statusMessage, &headers);
}
SLUICE_DECL ServerResponse& ServerResponse::writeHead(int status, std::string_view reason,
                                                      const Headers& headers) {
  return composeNow(status, reason, &headers);
}

SLUICE_DECL void ServerResponse::composeHead(std::optional<std::uint64_t> bodyLength, bool) {
  exchange_->composeHead(state_->output->queue().gathered(), *this, statusMessage, nullptr,
                         bodyLength);
}

SLUICE_DECL void ServerResponse::writeContinue() {
  requireHeadersNotSent("write");
  exchange_->continueIsSent();
  detail::appendContinue(state_->output->queue().gathered());
  exchange_->sendInformation();
}

SLUICE_DECL void ServerResponse::writeProcessing() {
  requireHeadersNotSent("write");
  detail::appendProcessing(state_->output->queue().gathered());
  exchange_->sendInformation();
}

SLUICE_DECL void ServerResponse::writeEarlyHints(const Headers& hints,
                                                 std::function<void()> written) {
  requireHeadersNotSent("write");
  if (detail::appendEarlyHints(state_->output->queue().gathered(), hints)) {
    exchange_->sendInformation();
  }
  if (written) sluice::detail::post(get_executor(), std::move(written));
}

SLUICE_DECL IncomingMessage& ServerResponse::req() const { return exchange_->messages().req(); }

}  // namespace sluice::http
