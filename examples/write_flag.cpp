// SPDX-License-Identifier: BSL-1.0
//
// What write() returns: true where the kernel took everything, false where bytes wait in memory for
// a slow reader. A small file and a large one are each sent with one write. Try it:
//   curl -s localhost:8080/small
//   curl -s localhost:8080/large --limit-rate 10M -o /dev/null
#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sluice/http.hpp>

namespace fs = std::filesystem;
using namespace sluice::http;

// Stands for a file that is there already: writes one, and reads it back.
std::string fileOf(std::size_t size) {
  const auto path = fs::temp_directory_path() / ("write_flag." + std::to_string(getpid()));
  std::ofstream(path, std::ios::binary) << std::string(size, 'x');
  std::ifstream file(path, std::ios::binary);
  std::string content(fs::file_size(path), '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  fs::remove(path);
  return content;
}

int main(int argc, char* argv[]) {
  const std::string small = fileOf(1000), large = fileOf(32'000'000);
  boost::asio::io_context loop(1);
  auto server =
      createServer(loop, [&](IncomingMessage& req, ServerResponse& res) -> sluice::task<> {
        const std::string& file = req.url() == "/large" ? large : small;
        res.setHeader("Content-Length", file.size());
        auto written = res.write(file);
        std::cout << file.size() << " bytes: " << std::boolalpha << static_cast<bool>(written)
                  << std::endl;
        // Who has more to send waits here, and never holds more than a piece.
        if (!written) {
          co_await res.drain();
          std::cout << "drain" << std::endl;
        }
        co_await res.end();
      });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
