// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/request_id.hpp>.
#pragma once

#include <sluice/detail/ascii.hpp>
#include <sluice/web/app/detail/header_line.hpp>
#include <sluice/web/app/detail/random_ids.hpp>
#include <sluice/web/app/request.hpp>
#include <sluice/web/app/request_id.hpp>
#include <sluice/web/app/response.hpp>
#include <utility>

namespace sluice::app {

namespace detail {

inline bool isRequestId(std::string_view text) {
  using sluice::detail::ByteSet;
  constexpr ByteSet allowed = sluice::detail::alphanumerics | ByteSet("._-");
  return !text.empty() && text.size() <= 128 && allowed.hasAll(text);
}

}  // namespace detail

SLUICE_DECL RequestIds::RequestIds(RequestIdOptions options)
    : options_(std::move(options)), random_(std::make_shared<detail::RandomIds>()) {}

SLUICE_DECL task<> RequestIds::operator()(Request& req, Response& res, Next next) const {
  std::string& id = req.locals<RequestId>().value;
  const std::string_view sent = detail::headerLine(req.rawHeaders(), options_.header);
  if (options_.acceptIncoming && detail::isRequestId(sent)) {
    id = sent;
  } else {
    random_->next(id, 32);
  }
  res.setHeader(options_.header, id);
  return next();
}

}  // namespace sluice::app
