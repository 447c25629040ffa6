// SPDX-License-Identifier: BSL-1.0
//
// Content codings against other people's: bodies that Node's zlib encodes and we decode, and bodies
// that we encode and Node's zlib and `curl --compressed` decode. 40 bodies of each coding, or as
// many as SLUICE_TEST_BODIES says.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <sluice/compress.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include "support/catch.hpp"
#include "support/loopback.hpp"

using namespace sluice;

namespace {

std::size_t bodies() {
  const char* const text = std::getenv("SLUICE_TEST_BODIES");
  return text == nullptr ? 40 : std::stoul(text);
}

// Sends a body back, decoded and then encoded as the client likes.
task<> echo(http::IncomingMessage& req, http::ServerResponse& res) {
  compress::Options options;
  options.threshold = 0;
  options.compressible = [](std::string_view) { return true; };
  compress::apply(req, res, options);
  compress::Decoded body(req, {.ratio = 0});
  const std::string text = co_await body.text();
  if (req.url() == "/pieces") {
    for (std::size_t at = 0; at < text.size(); at += 1000) {
      co_await res.write(std::string_view(text).substr(at, 1000));
    }
    co_await res.end();
  } else {
    co_await res.end(std::string_view(text));
  }
}

class Peer {
 public:
  Peer() : server_(http::createServer(io_, echo)) { server_.listen(0, "127.0.0.1"); }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_.address().port) + "/";
  }
  // What a command prints. The server answers it meanwhile.
  std::string run(const std::string& command) {
    std::string output;
    const auto work = asio::make_work_guard(io_);
    std::thread reader([&] {
      std::FILE* const pipe = ::popen(("timeout 100 " + command + " 2>&1").c_str(), "r");
      char piece[4096];
      while (const std::size_t count = std::fread(piece, 1, sizeof piece, pipe)) {
        output.append(piece, count);
      }
      ::pclose(pipe);
      asio::post(io_, [this] { io_.stop(); });
    });
    io_.restart();
    io_.run();
    reader.join();
    return output;
  }

 private:
  asio::io_context io_{1};
  http::Server server_;
};

bool has(const char* program) {
  const std::string command = "command -v " + std::string(program) + " > /dev/null 2>&1";
  if (std::system(command.c_str()) == 0) return true;
  WARN(program << " is not there: nothing was tested against it");
  return false;
}

// Something between a text that repeats itself and noise.
std::string bodyOf(std::mt19937& random) {
  std::string body(random() % 30'000, '\0');
  const unsigned letters = 1 + random() % 256;
  for (char& byte : body) byte = static_cast<char>(random() % letters);
  for (std::size_t at = 0; at + 600 < body.size(); at += 600) {
    if (random() % 3 == 0) body.replace(at + 300, 300, body, at, 300);
  }
  return body;
}

std::vector<const char*> codings() {
  std::vector<const char*> names = {"gzip", "deflate"};
  if (isBuiltIn(compress::Coding::br)) names.push_back("br");
  if (isBuiltIn(compress::Coding::zstd)) names.push_back("zstd");
  return names;
}

std::string contentOf(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

constexpr const char* nodeScript = R"(
  const zlib = require("node:zlib"), http = require("node:http"), crypto = require("node:crypto");
  const [url, count] = [process.argv[2], Number(process.argv[3])];
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ways = { gzip: [zlib.gzipSync, zlib.gunzipSync], deflate: [zlib.deflateSync, zlib.inflateSync],
                 br: [zlib.brotliCompressSync, zlib.brotliDecompressSync] };
  if (zlib.zstdCompressSync) ways.zstd = [zlib.zstdCompressSync, zlib.zstdDecompressSync];
  function exchange(coding, path, bytes) {
    return new Promise((done, failed) => {
      const headers = { "Content-Encoding": coding, "Accept-Encoding": coding, "Content-Length": bytes.length };
      const req = http.request(url + path, { method: "POST", agent, headers }, res => {
        const parts = [];
        res.on("data", part => parts.push(part));
        res.on("end", () => done([res.headers["content-encoding"], Buffer.concat(parts)]));
      });
      req.on("error", failed);
      req.end(bytes);
    });
  }
  (async () => {
    for (const coding of process.argv.slice(4).filter(name => ways[name])) {
      const [encode, decode] = ways[coding];
      for (let i = 0; i < count; ++i) {
        const size = crypto.randomInt(30000);
        const letters = crypto.randomInt(1, 257);
        const body = crypto.randomBytes(size).map(byte => byte % letters);
        const options = coding === "br" ? { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: i % 10 } } : {};
        const [used, answer] = await exchange(coding, i % 2 ? "pieces" : "", encode(body, options));
        if (used !== coding) throw Error(coding + ": answered with " + used);
        if (!decode(answer).equals(body)) throw Error(coding + " " + body.toString("hex"));
      }
    }
    console.log("done");
    agent.destroy();
  })();
)";

}  // namespace

TEST_CASE("Node's zlib and we understand each other", "[compress][peers]") {
  if (!has("node")) return;
  Peer peer;
  const loopback::Folder folder;
  std::ofstream(folder / "script.js") << nodeScript;
  std::string command = "node " + (folder / "script.js") + ' ' + peer.url() + ' ';
  command += std::to_string(bodies());
  for (const char* coding : codings()) command.append(" ").append(coding);
  CHECK(peer.run(command) == "done\n");
}

TEST_CASE("curl --compressed decodes what we encode", "[compress][peers]") {
  if (!has("curl")) return;
  Peer peer;
  const loopback::Folder folder;
  const std::string known = peer.run("curl --version");
  std::mt19937 random(1);
  for (const char* coding : codings()) {
    const std::string name = std::string_view(coding) == "br" ? "brotli" : coding;
    const bool optional = name == "brotli" || name == "zstd";
    if (optional && known.find(name) == std::string::npos) continue;
    CAPTURE(coding);
    std::vector<std::string> sent;
    std::ofstream config(folder / "config");
    for (std::size_t index = 0; index < bodies(); ++index) {
      const std::string file = folder / ("body" + std::to_string(index)).c_str();
      sent.push_back(bodyOf(random));
      std::ofstream(file, std::ios::binary) << sent.back();
      if (index > 0) config << "next\n";
      config << "url = \"" << peer.url() << (index % 2 == 0 ? "pieces" : "") << "\"\n"
             << "data-binary = \"@" << file << "\"\n"
             << "output = \"" << file << ".out\"\n"
             << "header = \"Accept-Encoding: " << coding << "\"\n"
             << "compressed\nsilent\nshow-error\nfail\n";
    }
    config.close();
    CHECK(peer.run("curl -K " + (folder / "config")).empty());
    for (std::size_t index = 0; index < sent.size(); ++index) {
      const std::string got = contentOf(folder / ("body" + std::to_string(index) + ".out").c_str());
      if (got != sent[index]) FAIL("body " << index << " of " << coding << " is not the same");
    }
  }
}
