// SPDX-License-Identifier: BSL-1.0
//
// Headers behind the body, for what is known only once all of it was sent: an echo with Content-MD5
// (RFC 1864). Trailers that came with the request are compared with it. Try it:
//   curl -i --raw localhost:8080 -d 'some text'
#include <boost/uuid/detail/md5.hpp>
#include <cstdlib>
#include <iostream>
#include <sluice/http.hpp>

using namespace sluice::http;

// The digest of what it was given so far. Boost has no other door to it than this.
class Md5 {
 public:
  void add(std::string_view bytes) { digest_.process_bytes(bytes.data(), bytes.size()); }
  std::string base64() {
    boost::uuids::detail::md5::digest_type words;
    digest_.get_digest(words);
    // Four words of four bytes, or since Boost 1.86 sixteen of one.
    std::string bytes;
    for (const auto word : words) {
      for (std::size_t left = sizeof word; left-- > 0;) {
        bytes += static_cast<char>(word >> (left * 8) & 255);
      }
    }
    return sluice::toText(bytes, sluice::Encoding::base64);
  }

 private:
  boost::uuids::detail::md5 digest_;
};

// Sends the body of the request back, and its digest behind it.
sluice::task<> handle(IncomingMessage& req, ServerResponse& res) {
  res.setHeader("Content-Type", "text/plain");
  // Tells what comes behind the body, and makes it chunked. HTTP/1.0 has neither.
  if (req.httpVersion() == "1.1") res.setHeader("Trailer", "Content-MD5");
  Md5 md5;
  while (auto piece = co_await req.read()) {
    md5.add(*piece);
    co_await res.write(*piece);
  }
  const std::string digest = md5.base64();
  res.addTrailers({{"Content-MD5", digest}});
  co_await res.end();
  // The trailers of the request came with the end of its body.
  const std::string_view claimed = req.trailers()["content-md5"];
  std::cout << digest;
  if (!claimed.empty()) std::cout << (claimed == digest ? ", right" : ", wrong");
  std::cout << std::endl;
}

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  auto server = createServer(loop, handle);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
