// SPDX-License-Identifier: BSL-1.0
//
// A member function without its object.
// expected: a member function needs its object: [this](IncomingMessage& req, ServerResponse& res)
#include <sluice/http.hpp>

struct Service {
  sluice::task<> handle(sluice::http::IncomingMessage& req, sluice::http::ServerResponse& res);
};

void use(boost::asio::io_context& loop) {
  auto server = sluice::http::createServer(loop, &Service::handle);
}
