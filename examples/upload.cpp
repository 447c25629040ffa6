// SPDX-License-Identifier: BSL-1.0
//
// Takes files of up to 64 MiB and streams them to a folder, holding one piece in memory at a time.
// A file appears under its name when all of it is there. Try it, with a folder as the second
// argument:
//   curl -i localhost:8080/ -T picture.jpg
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sluice/http.hpp>

namespace fs = std::filesystem;
using namespace sluice::http;

constexpr std::uintmax_t limit = 64 * 1024 * 1024;

// A file that is being received; gone again where that does not come to its end.
class Part {
 public:
  explicit Part(const fs::path& folder) {
    static int count = 0;
    path_ = folder / (".part-" + std::to_string(++count));
    file_.exceptions(std::ios::badbit | std::ios::failbit);
    file_.open(path_, std::ios::binary | std::ios::trunc);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    // Windows removes no file that is open, and a full disk must not throw once more here.
    file_.exceptions(std::ios::goodbit);
    file_.close();
    std::error_code ignored;
    if (!path_.empty()) fs::remove(path_, ignored);
  }

  void write(std::string_view bytes) {
    file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    size_ += bytes.size();
  }
  void moveTo(const fs::path& target) {
    file_.close();
    fs::rename(path_, target);
    path_.clear();
  }
  std::uintmax_t size() const { return size_; }

 private:
  fs::path path_;
  std::ofstream file_;
  std::uintmax_t size_ = 0;
};

// Letters, digits and "._-", and no dot in front: neither a path nor a hidden file.
bool isName(std::string_view text) {
  return !text.empty() && text.size() <= 200 && text.front() != '.' &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == text.npos;
}

// Whether the file is within the limit. A client that says its length hears of it before it sends
// all.
sluice::task<bool> receive(IncomingMessage& req, Part& part) {
  const std::string length(req.headers()["content-length"]);
  if (std::strtoull(length.c_str(), nullptr, 10) > limit) co_return false;
  // The next piece is taken off the network once this one is on the disk.
  while (auto piece = co_await req.read()) {
    part.write(*piece);
    if (part.size() > limit) co_return false;
  }
  co_return true;
}

sluice::task<> handle(const fs::path& folder, IncomingMessage& req, ServerResponse& res) {
  const std::string name(req.url().substr(1));
  if (req.method() != "PUT") {
    co_await res.writeHead(405, {{"Allow", "PUT"}}).end();
    co_return;
  }
  if (!isName(name)) {
    co_await res.writeHead(400).end("A name is made of letters, digits and . _ -\n");
    co_return;
  }
  Part part(folder);
  if (co_await receive(req, part)) {
    part.moveTo(folder / name);
    co_await res.writeHead(201).end(std::to_string(part.size()) + " bytes\n");
  } else {
    co_await res.writeHead(413).end("That is more than 64 MiB.\n");
  }
}

int main(int argc, char* argv[]) {
  const fs::path folder = argc > 2 ? argv[2] : ".";
  boost::asio::io_context loop(1);
  auto server = createServer(
      loop, [&](IncomingMessage& req, ServerResponse& res) { return handle(folder, req, res); });
  // A disk that is full throws, which answers 500; this is where one hears of it.
  server.on<"error">([](const Error& error) { std::cerr << error.what() << '\n'; });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, "127.0.0.1", 511, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
