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

SLUICE_DECL void ServerResponse::attachStale(boost::intrusive_ptr<detail::OutgoingState> state) {
  exchange_ = nullptr;
  state_ = std::move(state);
}

SLUICE_DECL void detail::ServerResponseAccess::attachStale(
    ServerResponse& res, boost::intrusive_ptr<OutgoingState> state) {
  res.attachStale(std::move(state));
}

SLUICE_DECL detail::ServerExchange& ServerResponse::exchange() const {
  live();
  return *exchange_;
}

SLUICE_DECL ServerResponse& ServerResponse::composeNow(int status,
                                                       std::optional<std::string_view> reason,
                                                       const Headers* headers) {
  requireHeadersNotSent("write");
  const int before = std::exchange(statusCode, status);
  try {
    if (state_->filter) {
      // It sees all headers, and may change the status.
      if (headers != nullptr) setHeaders(*headers);
      if (reason) statusMessage = std::string(*reason);
      beginFilter(std::nullopt);
      // An empty reason stays, unless the filter has chosen another answer.
      const bool stays = reason && reason->empty() && statusMessage.empty() && statusCode == status;
      if (!stays) reason = chosenPhrase();
      headers = nullptr;
    }
    exchange_->composeHead(state_->heldHead, *this, reason, headers, std::nullopt);
  } catch (...) {
    statusCode = before;
    throw;
  }
  if (reason) statusMessage = std::string(*reason);
  return *this;
}

SLUICE_DECL std::optional<std::string_view> ServerResponse::chosenPhrase() const {
  if (statusMessage.empty()) return std::nullopt;
  return statusMessage;
}

SLUICE_DECL ServerResponse& ServerResponse::writeHead(int status) {
  return composeNow(status, chosenPhrase(), nullptr);
}
SLUICE_DECL ServerResponse& ServerResponse::writeHead(int status, const Headers& headers) {
  return composeNow(status, chosenPhrase(), &headers);
}
SLUICE_DECL ServerResponse& ServerResponse::writeHead(int status, std::string_view reason,
                                                      const Headers& headers) {
  return composeNow(status, reason, &headers);
}

SLUICE_DECL void ServerResponse::composeHead(std::optional<std::uint64_t> bodyLength, bool) {
  exchange_->composeHead(state_->output->queue().gathered(), *this, chosenPhrase(), nullptr,
                         bodyLength);
}

SLUICE_DECL void ServerResponse::sendInformation(std::function<void()> written) {
  if (written) {
    state_->addWriteCallback([written = std::move(written)](const error_code&) { written(); });
  }
  exchange_->sendInformation();
}

SLUICE_DECL void ServerResponse::writeContinue(std::function<void()> written) {
  requireHeadersNotSent("write");
  exchange_->continueIsSent();
  detail::appendContinue(state_->output->queue().gathered());
  sendInformation(std::move(written));
}

SLUICE_DECL void ServerResponse::writeProcessing() {
  requireHeadersNotSent("write");
  detail::appendProcessing(state_->output->queue().gathered());
  sendInformation({});
}

SLUICE_DECL void ServerResponse::writeEarlyHints(const Headers& hints,
                                                 std::function<void()> written) {
  requireHeadersNotSent("write");
  detail::appendEarlyHints(state_->output->queue().gathered(), hints);
  sendInformation(std::move(written));
}

SLUICE_DECL void ServerResponse::writeInformation(int status, const Headers& headers) {
  requireHeadersNotSent("write");
  detail::appendInformation(state_->output->queue().gathered(), status, headers);
  sendInformation({});
}

SLUICE_DECL IncomingMessage& ServerResponse::req() const { return exchange().messages().req(); }

}  // namespace sluice::http
