// SPDX-License-Identifier: BSL-1.0
//
// The plain answer by RESTinio, on one thread.
//   restinio_server PORT
#include <cstdlib>
#include <restinio/all.hpp>
#include <support/mark.hpp>

namespace {

restinio::request_handling_status_t answer(restinio::request_handle_t request) {
  return request->create_response().append_header_date_field().set_body("Hello, World!").done();
}

}  // namespace

int main(int argc, char* argv[]) {
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  const std::chrono::minutes idle(10);
  restinio::run(restinio::on_this_thread()
                    .port(port)
                    .address("127.0.0.1")
                    .max_pipelined_requests(16)
                    .read_next_http_message_timelimit(idle)
                    .socket_options_setter([](auto& options) {
                      options.set_option(restinio::asio_ns::ip::tcp::no_delay(true));
                    })
                    .acceptor_post_bind_hook([](auto& acceptor) {
                      sluice::bench::tellOnSignal(acceptor.local_endpoint().port());
                    })
                    .request_handler(answer));
}
