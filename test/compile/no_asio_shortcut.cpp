// SPDX-License-Identifier: BSL-1.0
//
// With SLUICE_NO_ASIO_SHORTCUT nothing is specialised inside of Asio: writes are awaited by Asio's
// ordinary operation, as they are with an Asio that nobody has tried yet. They do the same.
#include <iostream>
#include <sluice/http.hpp>
#include <sluice/test.hpp>
#include <string>

#if !defined(SLUICE_NO_ASIO_SHORTCUT)
#error "this file is compiled with SLUICE_NO_ASIO_SHORTCUT"
#endif

int main() {
  using namespace sluice::http;
  std::string refused;
  bool closed = false;
  const auto response = sluice::test::inject(
      [&](IncomingMessage& req, ServerResponse& res) -> sluice::task<> {
        while (auto piece = co_await req.read()) co_await res.write(*piece);
        if (!res.write(std::string(100000, 'x'))) co_await res.drain();
        co_await res.end("end");
        try {
          co_await res.write("late");
        } catch (const boost::system::system_error& error) {
          refused = errorName(error.code());
        }
        co_await res.once<"close">();
        closed = true;
      },
      {.method = "POST", .url = "/", .body = "begin"});
  const bool right = response.body == "begin" + std::string(100000, 'x') + "end" && closed &&
                     refused == "ERR_STREAM_WRITE_AFTER_END";
  if (!right) std::cerr << response.body.size() << ' ' << refused << ' ' << closed << '\n';
  return right ? 0 : 1;
}
