// SPDX-License-Identifier: BSL-1.0
//
// A name for each request, so that the lines of several logs can be put together.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/app.hpp>
#endif
#ifndef SLUICE_WEB_APP_REQUEST_ID_HPP
#define SLUICE_WEB_APP_REQUEST_ID_HPP

#include <memory>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/next.hpp>
#include <string>

namespace sluice::app {

namespace detail {
class RandomIds;
}

/// What requestId() has given a request: `req.locals<app::RequestId>().value`.
struct RequestId {
  /// The name of the request, as the header carries it.
  std::string value;
};

struct RequestIdOptions {
  /// Read from the request and set in the response.
  std::string header = "X-Request-Id";
  /// Whether a name that the client sends is taken if it is well-formed: up to 128 letters, digits,
  /// '.', '_' and '-'.
  bool acceptIncoming = true;
};

/// A middleware.
class RequestIds {
 public:
  explicit RequestIds(RequestIdOptions options);

  // There is no moved-from one: moving copies.
  RequestIds(const RequestIds&) = default;
  RequestIds& operator=(const RequestIds&) = default;

  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const;

 private:
  RequestIdOptions options_;
  std::shared_ptr<detail::RandomIds> random_;  // shared by copies
};

/// router.use(app::requestId());
inline RequestIds requestId(RequestIdOptions options = {}) {
  return RequestIds(std::move(options));
}

}  // namespace sluice::app

#endif
