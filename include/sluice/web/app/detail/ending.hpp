// SPDX-License-Identifier: BSL-1.0
//
// What a middleware does when a request has ended: for logs and metrics. It costs less than a
// listener for "close", which would also make the handler wait for it.
#pragma once

#include <memory>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/detail/recycled.hpp>

namespace sluice::app {

class Request;
class Response;

namespace detail {

class Ending : public Recycled {
 public:
  Ending() = default;
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  virtual ~Ending() = default;

  /// The handlers have returned, and the response has left or will not leave any more.
  virtual void ended(Request& req, Response& res) = 0;

  std::unique_ptr<Ending> next;  // the one that was added before it
};

}  // namespace detail
}  // namespace sluice::app
