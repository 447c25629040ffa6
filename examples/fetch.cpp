// SPDX-License-Identifier: BSL-1.0
//
// A small curl:
//   fetch [-X method] [-H 'Name: value'] [-d body] [-o file] [-L] [-m seconds] [-x proxy]
//         [-b cookies] [-c cookies] [--compressed] [--retry times] [-k] [--cacert file] URL
// Shows how far it is on a terminal, and says what went wrong, with Node's code.
#include <getopt.h>
#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sluice/fetch.hpp>

using sluice::FetchRequest, sluice::FetchResponse;

struct Arguments {
  std::string url, file, cookiesIn, cookiesOut, proxy;
  FetchRequest request;
  sluice::CookieJar jar;
};

void parse(int argc, char* argv[], Arguments& arguments) {
  FetchRequest& request = arguments.request;
  sluice::https::ClientOptions tls;
  request.header("User-Agent", "sluice-fetch").decompress(false);
  request.redirect(sluice::Redirect::manual);
  const option names[] = {
      {"insecure", no_argument, nullptr, 'k'},     {"location", no_argument, nullptr, 'L'},
      {"compressed", no_argument, nullptr, 'z'},   {"retry", required_argument, nullptr, 'r'},
      {"cacert", required_argument, nullptr, 'a'}, {}};
  for (int letter;
       (letter = getopt_long(argc, argv, "X:H:d:o:t:m:x:b:c:kL", names, nullptr)) != -1;) {
    const std::string value = optarg == nullptr ? "" : optarg;
    const std::size_t colon = std::min(value.find(':'), value.size());
    const std::size_t text = std::min(value.find_first_not_of(": ", colon), value.size());
    switch (letter) {
      case 'X':
        request.method(value);
        break;
      case 'H':
        request.header(value.substr(0, colon), value.substr(text));
        break;
      case 'd':
        request.body(value);
        break;
      case 'o':
        arguments.file = value;
        break;
      case 't':
      case 'm':
        request.timeout(std::chrono::seconds(std::atoi(value.c_str())));
        break;
      case 'x':
        arguments.proxy = value;
        break;
      case 'b':
        arguments.cookiesIn = value;
        break;
      case 'c':
        arguments.cookiesOut = value;
        break;
      case 'L':
        request.redirect(sluice::Redirect::follow);
        break;
      case 'z':
        request.decompress();
        break;
      case 'r':
        request.retries(std::atoi(value.c_str()), std::chrono::seconds(1));
        break;
      case 'k':
        tls.rejectUnauthorized = false;
        break;
      case 'a':
        tls.ca = value;
        break;
      default:
        std::exit(2);
    }
  }
  if (optind < argc) arguments.url = argv[optind];
  request.tls(tls).cookies(arguments.jar);
}

void showProgress(std::size_t received, std::string_view length) {
  if (isatty(STDERR_FILENO) == 0) return;
  const std::size_t all = length.empty() ? 0 : std::stoull(std::string(length));
  std::cerr << '\r';
  if (all >= received && all != 0) {
    const std::size_t done = received * 40 / all;
    std::cerr << '[' << std::string(done, '#') << std::string(40 - done, ' ') << "] ";
  }
  std::cerr << received / 1024 << " KiB" << std::flush;
}

sluice::task<> run(Arguments& arguments) {
  // "name=value" as it is, or a file as curl writes it.
  if (arguments.cookiesIn.find('=') != std::string::npos) {
    arguments.request.header("Cookie", arguments.cookiesIn);
  } else if (std::ifstream in(arguments.cookiesIn); in) {
    arguments.jar.load(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  if (arguments.proxy.empty()) {
    arguments.proxy = sluice::proxyFromEnvironment(sluice::http::URL(arguments.url));
  }
  arguments.request.proxy(arguments.proxy);
  FetchResponse res = co_await sluice::fetch(arguments.url, arguments.request);
  if (res.status() >= 400) std::cerr << res.status() << ' ' << res.statusText() << '\n';
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
  if (!arguments.cookiesOut.empty()) std::ofstream(arguments.cookiesOut) << arguments.jar.save();
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  Arguments arguments;
  int result = 0;
  const auto report = [&](const std::exception_ptr& failure) {
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (const sluice::Error& error) {
      std::cerr << "fetch: " << error.what() << " (" << error.name() << ")\n";
      result = 1;
    } catch (const std::exception& error) {
      std::cerr << "fetch: " << error.what() << '\n';
      result = 1;
    }
    // Connections that are kept for later would keep the loop going.
    loop.stop();
  };
  try {
    parse(argc, argv, arguments);
    boost::asio::co_spawn(loop, run(arguments), report);
    loop.run();
  } catch (...) {
    report(std::current_exception());
  }
  return result;
}
