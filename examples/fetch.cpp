// SPDX-License-Identifier: BSL-1.0
//
// A small curl:
//   fetch [-X method] [-H 'Name: value'] [-d body] [-o file] [-t seconds] [-k] [--cacert file] URL
// Shows how far it is on a terminal, and says what went wrong, with Node's code.
#include <getopt.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sluice/https.hpp>

namespace https = sluice::https;
using namespace sluice::http;

struct Arguments {
  std::string url, body, file;
  https::RequestOptions options;
};

Arguments parse(int argc, char* argv[]) {
  Arguments arguments;
  arguments.options.headers.set("User-Agent", "sluice-fetch");
  const option names[] = {
      {"insecure", no_argument, nullptr, 'k'}, {"cacert", required_argument, nullptr, 'c'}, {}};
  for (int letter; (letter = getopt_long(argc, argv, "X:H:d:o:t:k", names, nullptr)) != -1;) {
    const std::string value = optarg == nullptr ? "" : optarg;
    const std::size_t colon = std::min(value.find(':'), value.size());
    switch (letter) {
      case 'X':
        arguments.options.method = value;
        break;
      case 'H':
        arguments.options.headers.append(
            value.substr(0, colon),
            value.substr(std::min(value.find_first_not_of(": ", colon), value.size())));
        break;
      case 'd':
        arguments.body = value;
        if (arguments.options.method == "GET") arguments.options.method = "POST";
        break;
      case 'o':
        arguments.file = value;
        break;
      case 't':
        arguments.options.timeout = std::chrono::seconds(std::atoi(value.c_str()));
        break;
      case 'k':
        arguments.options.rejectUnauthorized = false;
        break;
      case 'c':
        arguments.options.ca = value;
        break;
      default:
        std::exit(2);
    }
  }
  if (optind < argc) arguments.url = argv[optind];
  return arguments;
}

// What is about TLS means nothing without it.
ClientRequest start(boost::asio::any_io_executor executor, const Arguments& arguments) {
  const auto& options = arguments.options;
  if (arguments.url.starts_with("https:")) return https::request(executor, arguments.url, options);
  return request(
      executor, arguments.url,
      {.method = options.method, .headers = options.headers, .timeout = options.timeout});
}

void showProgress(std::size_t received, std::string_view length) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::cerr << '\r' << received / 1024 << " KiB";
  if (!length.empty()) std::cerr << " of " << std::stoull(std::string(length)) / 1024;
  std::cerr << std::flush;
}

sluice::task<> fetch(Arguments arguments) {
  const auto executor = co_await boost::asio::this_coro::executor;
  auto req = start(executor, arguments);
  req.on<"timeout">([&req] { req.destroy(make_error_code(boost::system::errc::timed_out)); });
  // What becomes of it, the response tells.
  if (arguments.body.empty()) {
    req.end();
  } else {
    req.end(arguments.body);
  }
  IncomingMessage res = co_await req.response();
  if (res.statusCode() >= 400) std::cerr << res.statusCode() << ' ' << res.statusMessage() << '\n';
  std::ofstream file;
  if (!arguments.file.empty()) file.open(arguments.file, std::ios::binary);
  std::ostream& out = arguments.file.empty() ? std::cout : file;
  std::size_t received = 0;
  while (auto chunk = co_await res.read()) {
    out.write(chunk->data(), static_cast<std::streamsize>(chunk->size()));
    if (!out) throw std::runtime_error("cannot write to " + arguments.file);
    received += chunk->size();
    if (file.is_open()) showProgress(received, res.headers()["content-length"]);
  }
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  int result = 0;
  boost::asio::co_spawn(loop, fetch(parse(argc, argv)), [&](std::exception_ptr failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const Error& error) {
      std::cerr << "fetch: " << error.what() << " (" << error.name() << ")\n";
      result = 1;
    } catch (const std::exception& error) {
      std::cerr << "fetch: " << error.what() << '\n';
      result = 1;
    }
  });
  loop.run();
  return result;
}
