// SPDX-License-Identifier: BSL-1.0
//
// The first server with RESTinio, for docs/why_not.md. It is built if the library is there, and
// uses nothing of sluice.
#include <cstdint>
#include <cstdlib>
#include <restinio/all.hpp>
#include <string>

// [server]
restinio::request_handling_status_t answer(restinio::request_handle_t request) {
  return request->create_response().set_body("Hello, World!\n").done();
}

void serve(std::uint16_t port) {
  restinio::run(restinio::on_this_thread().port(port).address("127.0.0.1").request_handler(answer));
}
// [/server]

std::string ask(std::uint16_t port) {
  namespace asio = restinio::asio_ns;
  asio::io_context loop;
  asio::ip::tcp::socket socket(loop);
  socket.connect({asio::ip::address_v4::loopback(), port});
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  asio::write(socket, asio::buffer(request));
  std::string answer;
  asio::error_code ec;
  asio::read(socket, asio::dynamic_buffer(answer), ec);
  return answer;
}

int main(int argc, char* argv[]) {
  if (argc > 1) serve(static_cast<std::uint16_t>(std::atoi(argv[1])));
  std::uint16_t port = 0;
  restinio::server_settings_t<> settings;
  settings.port(0).address("127.0.0.1").request_handler(answer);
  settings.acceptor_post_bind_hook(
      [&](auto& acceptor) { port = acceptor.local_endpoint().port(); });
  auto server = restinio::run_async(restinio::own_io_context(), std::move(settings), 1);
  return ask(port).ends_with("\r\n\r\nHello, World!\n") ? EXIT_SUCCESS : EXIT_FAILURE;
}
