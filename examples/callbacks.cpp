// SPDX-License-Identifier: BSL-1.0
//
// A client without a coroutine, as Node's first programs were written: it listens for events and
// returns to the loop. Try it: callbacks http://localhost:8080/ 'some text'
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

void show(IncomingMessage& res) {
  std::cout << res.statusCode() << ' ' << res.statusMessage() << '\n';
  for (const auto& [name, value] : res.headers()) std::cout << name << ": " << value << '\n';
  res.setEncoding(sluice::Encoding::utf8);
  res.on<"data">([](std::string_view chunk) { std::cout << chunk; });
  res.on<"end">([] { std::cout << "(the end)" << std::endl; });
  res.on<"error">([](const Error& error) { std::cerr << "cut off: " << error.what() << '\n'; });
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  RequestOptions options;
  options.method = "POST";
  auto req = request(loop, argc > 1 ? argv[1] : "http://127.0.0.1:8080/", options, show);
  req.on<"error">([](const Error& error) { std::cerr << error.what() << '\n'; });
  req.setHeader("Content-Type", "text/plain");
  req.write(argc > 2 ? argv[2] : "Hello!");
  req.end();
  loop.run();
}
