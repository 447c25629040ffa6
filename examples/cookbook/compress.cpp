// SPDX-License-Identifier: BSL-1.0
//
// What docs/compress.md shows of <sluice/compress.hpp>.
#include <cctype>
#include <cstdint>
#include <optional>
#include <sluice/compress.hpp>
#include <sluice/test.hpp>
#include <string>
#include <string_view>
#include "check.hpp"

using namespace sluice;

// [apply]
task<> showPage(http::IncomingMessage& req, http::ServerResponse& res) {
  compress::apply(req, res);
  co_await res.setHeader("Content-Type", "text/html").end(std::string(5000, 'x'));
}
// [/apply]

// [encode]
const std::string gzipped = compress::encode(compress::Coding::gzip, std::string(5000, 'x'), 9);

task<> showEncoded(http::IncomingMessage&, http::ServerResponse& res) {
  res.setHeader("Content-Encoding", "gzip").setHeader("Vary", "Accept-Encoding");
  co_await res.end(std::string_view(gzipped));
}
// [/encode]

// [decode]
task<> countDecoded(http::IncomingMessage& req, http::ServerResponse& res) {
  std::size_t bytes = 0;
  compress::Decoded body(req);  // at most 16 MiB, and 100 times what came in
  while (auto piece = co_await body.read()) bytes += piece->size();
  co_await res.end(std::to_string(bytes));
}
// [/decode]

// [filter]
class Uppercase final : public http::BodyFilter {
 public:
  bool begin(http::OutgoingMessage&, std::optional<std::uint64_t>) override { return true; }
  std::string_view write(std::string_view piece) override {
    out_.assign(piece);
    for (char& letter : out_)
      letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    return out_;
  }

 private:
  std::string out_;
};

task<> shout(http::IncomingMessage&, http::ServerResponse& res) {
  res.setBodyFilter(http::BodyFilterPointer(new Uppercase));
  co_await res.end("hello\n");
}
// [/filter]

int main() {
  using test::inject;
  const http::Headers accepting{{"Accept-Encoding", "gzip"}};
  const http::Headers encoded{{"Content-Encoding", "gzip"}};
  check(inject(showPage, {.headers = accepting}).headers["content-encoding"] == "gzip", "apply");
  check(inject(showEncoded).body == gzipped, "encode");
  check(
      inject(countDecoded, {.method = "POST", .headers = encoded, .body = gzipped}).body == "5000",
      "decode");
  check(inject(shout).body == "HELLO\n", "filter");
}
