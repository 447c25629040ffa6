// SPDX-License-Identifier: BSL-1.0
//
// Downloads a file, and goes on where an earlier download has broken off:
//   download URL FILE
// FILE.part is what has come so far, FILE.etag says of which version. If-Range makes the server
// send all of it if there is another version by now.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sluice/fetch.hpp>

namespace fs = std::filesystem;
using sluice::FetchRequest, sluice::FetchResponse;

struct Download {
  std::string url, file;

  // true: everything is here. It throws what broke it off.
  sluice::task<bool> attempt() const {
    const std::string part = file + ".part";
    std::error_code none;
    const auto here = fs::file_size(part, none);
    std::string etag;
    std::getline(std::ifstream(file + ".etag"), etag);
    FetchRequest request;
    request.decompress(false).connectTimeout(std::chrono::seconds(10)).retries(3);
    if (!none && here != 0 && etag.starts_with('"')) {
      request.header("Range", "bytes=" + std::to_string(here) + '-').header("If-Range", etag);
    }
    FetchResponse res = co_await sluice::fetch(url, request);
    const bool resumed = res.status() == 206;
    if (!res.ok()) throw std::runtime_error(std::to_string(res.status()) + " from " + url);
    if (const auto named = res.headers().get("etag")) std::ofstream(file + ".etag") << *named;
    std::ofstream out(part, resumed ? std::ios::binary | std::ios::app : std::ios::binary);
    std::size_t received = resumed ? here : 0;
    if (resumed) std::cerr << "going on after " << received << " bytes\n";
    while (auto chunk = co_await res.read()) {
      out.write(chunk->data(), static_cast<std::streamsize>(chunk->size()));
      if (!out.flush()) throw std::runtime_error("cannot write to " + part);
      received += chunk->size();
      std::cerr << '\r' << received << " bytes" << std::flush;
    }
    std::cerr << '\n';
    fs::rename(part, file);
    fs::remove(file + ".etag");
    co_return true;
  }

  sluice::task<> run() const {
    for (int tries = 3;;) {
      std::string broken;
      try {
        if (co_await attempt()) co_return;
      } catch (const sluice::Error& error) {
        broken = error.name();
        if (--tries == 0) throw;
      }
      std::cerr << "\nbroken off: " << broken << '\n';
    }
  }
};

int main(int argc, char* argv[]) {
  if (argc != 3) {
    std::cerr << "download URL FILE\n";
    return 2;
  }
  boost::asio::io_context loop(1);
  const Download download{argv[1], argv[2]};
  int result = 0;
  boost::asio::co_spawn(loop, download.run(), [&](const std::exception_ptr& failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      std::cerr << "download: " << error.what() << '\n';
      result = 1;
    }
    loop.stop();
  });
  loop.run();
  return result;
}
