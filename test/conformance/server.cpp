// SPDX-License-Identifier: BSL-1.0
//
// Our ends for tools/conformance and tools/garden, which compare them with other people's.
//
//     conformance_server PORT       a server that reads each request to its end and answers two
//                                   bytes; it prints what it has understood, and says it in the
//                                   answer: Seen is method and target, Read the bytes of the body
//     conformance_server ask PORT   a client: for each line "ID METHOD" of its input it asks that
//                                   port, with Case: ID, over a connection of its own that it
//                                   would keep, and prints "ID STATUS BODY ERROR": the body in
//                                   hexadecimal digits, "-" for what is not there
#include <unistd.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <list>
#include <sluice/http.hpp>
#include <string>
#include <string_view>
#include <utility>

using namespace sluice;
using namespace sluice::http;

namespace {

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    text += digits[value >> 4];
    text += digits[value & 15];
  }
  return text;
}

task<> ask(ClientRequest req, std::string id) {
  std::string status = "-";
  std::string body = "-";
  std::string error = "-";
  try {
    auto res = co_await req.response();
    status = std::to_string(res.statusCode());
    const std::string text = co_await res.text();
    body = '"' + hexadecimal(text) + '"';
  } catch (const Error& failure) {
    error = failure.name();
  }
  std::cout << id << ' ' << status << ' ' << body << ' ' << error << std::endl;
}

task<> askForEachLine(boost::asio::io_context& loop, std::uint16_t port) {
  boost::asio::posix::stream_descriptor input(loop, ::dup(STDIN_FILENO));
  // Until the end of the input: whether a connection is kept is seen after its answer.
  std::list<Agent> agents;
  std::string lines;
  try {
    for (;;) {
      const std::size_t size = co_await boost::asio::async_read_until(
          input, boost::asio::dynamic_buffer(lines), '\n', boost::asio::use_awaitable);
      const std::string line = lines.substr(0, size - 1);
      lines.erase(0, size);
      const std::size_t space = line.find(' ');
      std::string id = line.substr(0, space);
      AgentOptions kept;
      kept.keepAlive = true;
      RequestOptions options;
      options.agent = agents.emplace_back(loop, kept);
      options.host = "127.0.0.1";
      options.port = port;
      options.method = line.substr(space + 1);
      options.headers.set("Case", id);
      auto req = request(loop, std::move(options));
      req.end();
      boost::asio::co_spawn(loop, ask(std::move(req), std::move(id)), boost::asio::detached);
    }
  } catch (const boost::system::system_error&) {
    loop.stop();
  }
}

task<> answer(IncomingMessage& req, ServerResponse& res) {
  std::size_t read = 0;
  while (auto piece = co_await req.read()) read += piece->size();
  const std::string seen = std::string(req.method()) + ' ' + std::string(req.url());
  std::cout << seen << std::endl;
  res.setHeader("Seen", seen);
  res.setHeader("Read", read);
  res.setHeader("Content-Length", 2);
  co_await res.end("ok");
}

}  // namespace

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  if (argc > 2 && std::string_view(argv[1]) == "ask") {
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[2]));
    boost::asio::co_spawn(loop, askForEachLine(loop, port), boost::asio::detached);
    loop.run();
    return 0;
  }
  auto server = createServer(loop, answer);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 0, "127.0.0.1");
  loop.run();
}
