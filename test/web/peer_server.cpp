// SPDX-License-Identifier: BSL-1.0
//
// A server for other people's clients: its files are compared with nginx's, browsers submit its
// forms and decode its bodies, and it decodes what nginx has compressed. See nginx.py and
// test/examples/browser.js.
//   peer_server PORT FOLDER
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sluice/app.hpp>
#include <sluice/compress.hpp>
#include <sluice/fetch.hpp>
#include <string>

namespace app = sluice::app;
namespace compress = sluice::compress;
using sluice::task;

namespace {

// FNV-1a: the page of the test computes it as well.
std::string digest(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325U) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  char text[16];
  return {text, std::to_chars(text, text + sizeof text, hash, 16).ptr};
}

std::string line(std::string_view name, std::string_view filename, std::string_view type,
                 std::string_view content) {
  std::string text;
  for (const std::string_view each : {name, filename, type}) text.append(each).append("|");
  return text + std::to_string(content.size()) + '|' + digest(content) + '\n';
}

// As the parts arrive.
task<> parts(app::Request& req, app::Response& res) {
  std::string told;
  const auto each = [&told](app::FormPart& part) -> task<> {
    std::string content;
    while (auto piece = co_await part.read()) content += *piece;
    told += line(part.name(), part.filename(), part.contentType(), content);
  };
  co_await req.parts(each);
  co_await res.text(told);
}

// All of it in memory: fields, then files.
task<> whole(app::Request& req, app::Response& res) {
  const app::Form form = co_await req.form();
  std::string told;
  for (const app::FormField& field : form.fields()) told += line(field.name, "", "", field.value);
  for (const app::FormFile& file : form.files()) {
    told += line(file.name, file.filename, file.contentType, file.content);
  }
  co_await res.text(told);
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Between noise and one letter, and up to 64 KiB.
std::string body(std::size_t seed) {
  std::uint64_t state = seed * 0x9E3779B97F4A7C15U + 1;
  const auto next = [&state] {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
  };
  std::string bytes(next() % (seed % 3 == 0 ? 64 * 1024 : 2048), '\0');
  const std::uint64_t letters = seed % 7 == 0 ? 256 : 1 + next() % 40;
  for (char& byte : bytes) byte = static_cast<char>('a' + next() % letters);
  return bytes;
}

// /coded/CODING/SEED: the body that SEED stands for, in this coding if the client accepts it.
task<> coded(app::Request& req, app::Response& res) {
  compress::Options options;
  options.threshold = 0;
  for (const auto& [name, coding] :
       {std::pair("gzip", compress::Coding::gzip), std::pair("deflate", compress::Coding::deflate),
        std::pair("br", compress::Coding::br), std::pair("zstd", compress::Coding::zstd)}) {
    if (req.param("coding") == name) options.prefer = {coding};
  }
  res.type("text");
  if (!options.prefer.empty()) compress::apply(req, res, options);
  co_await res.end(body(number(req.param("seed"))));
}

// /fetched/PORT/SEED?proxy=URL: what fetch() makes of that body, compressed by a proxy on PORT or
// asked for through the proxy URL, with &secure=1 over TLS; 502 and the name of the error if there
// is one.
task<> fetched(app::Request& req, app::Response& res) {
  const bool secure = req.query("secure").has_value();
  std::string url = secure ? "https://127.0.0.1:" : "http://127.0.0.1:";
  url.append(req.param("port")).append("/coded/identity/").append(req.param("seed"));
  std::string failure;
  try {
    sluice::FetchRequest request;
    request.proxy(req.query("proxy").value_or("")).timeout(std::chrono::seconds(20));
    if (secure) {
      sluice::https::ClientOptions tls;
      tls.rejectUnauthorized = false;
      request.tls(tls);
    }
    auto response = co_await sluice::fetch(url, std::move(request));
    const std::string text = co_await response.text();
    res.setHeader("X-Coding", response.headers()["content-encoding"]);
    res.setHeader("X-Via", response.headers()["via"]);
    co_await res.status(response.status()).end(text);
  } catch (const sluice::Error& error) {
    failure = error.name();
  }
  if (!failure.empty()) co_await res.status(502).text(failure);
}

constexpr std::string_view page = R"(<!DOCTYPE html>
<title>forms</title>
<form method="post" enctype="multipart/form-data">
  <input name="text" id="text"> <textarea name="area" id="area"></textarea>
  <input type="checkbox" name="box" checked> <input type="checkbox" name="unset">
  <select multiple name="many" id="many"><option>one<option>two<option>three</select>
  <input type="file" name="files" id="files" multiple> <input type="file" name="empty">
  <button name="button" value="pressed">send</button>
</form>)";

}  // namespace

int main(int argc, char* argv[]) {
  boost::asio::io_context loop(1);
  app::Router router;
  router.get("/", [](app::Request&, app::Response& res) -> task<> { co_await res.html(page); });
  router.post("/parts", parts).post("/whole", whole);
  router.get("/coded/:coding/:seed", coded).get("/fetched/:port/:seed", fetched);
  if (argc > 2) router.use("/files", app::staticFiles(argv[2]));
  auto server = sluice::http::createServer(loop, router);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 0, "127.0.0.1", [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
