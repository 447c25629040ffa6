// SPDX-License-Identifier: BSL-1.0
//
// Serves the files of a folder: types, ranges, caching by ETag and by date, and nothing from
// outside the folder, whatever the path says. Try it, with a folder as the second argument:
//   curl -i localhost:8080/README.md
//   curl -i localhost:8080/README.md -r 0-99
#include <sys/stat.h>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <sluice/http.hpp>
#include <vector>

namespace fs = std::filesystem;
using namespace sluice::http;

std::string_view typeOf(const fs::path& path) {
  static const std::map<std::string, std::string_view> types{
      {".css", "text/css; charset=utf-8"},
      {".html", "text/html; charset=utf-8"},
      {".jpg", "image/jpeg"},
      {".js", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".md", "text/markdown; charset=utf-8"},
      {".mp4", "video/mp4"},
      {".pdf", "application/pdf"},
      {".png", "image/png"},
      {".svg", "image/svg+xml"},
      {".txt", "text/plain; charset=utf-8"},
      {".wasm", "application/wasm"},
      {".webp", "image/webp"},
  };
  const auto type = types.find(path.extension().string());
  return type == types.end() ? "application/octet-stream" : type->second;
}

std::string decoded(std::string_view path) {
  std::string result;
  for (std::size_t i = 0; i < path.size(); ++i) {
    unsigned char byte = static_cast<unsigned char>(path[i]);
    const char* digits = path.data() + i + 1;
    if (byte == '%' && i + 2 < path.size() &&
        std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      i += 2;
    }
    result += static_cast<char>(byte);
  }
  return result;
}

// The file that a path means, or nothing. Links are followed first: what lies outside of the folder
// begins with "..", and what is hidden with ".".
std::optional<fs::path> find(const fs::path& root, const std::string& path) {
  if (path.find('\0') != std::string::npos) return {};
  std::error_code ec;
  fs::path file = fs::canonical(root.native() + "/" + path, ec);
  if (!ec && fs::is_directory(file, ec)) file = fs::canonical(file / "index.html", ec);
  if (ec || !fs::is_regular_file(file, ec)) return {};
  for (const fs::path& part : file.lexically_relative(root)) {
    if (part.native().starts_with(".")) return {};
  }
  return file;
}

struct Range {
  std::uintmax_t first, size;
  bool partial = true;
};

// The part that `Range: bytes=…` asks for: all of it where there is no such header, or one that is
// not understood, or that asks for several; nothing where it lies behind the end. RFC 9110 §14.
std::optional<Range> rangeOf(std::string_view header, std::uintmax_t size) {
  const Range all{0, size, false};
  const std::size_t dash = header.find('-');
  if (!header.starts_with("bytes=") || dash == header.npos) return all;
  const auto number = [](std::string_view text) -> std::optional<std::uintmax_t> {
    std::uintmax_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || end != text.data() + text.size()) return {};
    return value;
  };
  const std::string_view from = header.substr(6, dash - 6), to = header.substr(dash + 1);
  const auto first = number(from), last = number(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (!first && !last)) return all;
  if (!first) {
    if (*last == 0 || size == 0) return {};
    return Range{size - std::min(*last, size), std::min(*last, size)};
  }
  if (last && *last < *first) return all;
  if (*first >= size) return {};
  return Range{*first, std::min(last.value_or(size - 1), size - 1) - *first + 1};
}

std::string dateOf(std::time_t time) {
  char text[32];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&time))};
}

// Whether the client has this version already. RFC 9110 §13.2.2: the date counts without a tag
// only.
bool isFresh(const Headers& headers, std::string_view etag, std::time_t modified) {
  if (const auto tags = headers.get("if-none-match")) {
    return *tags == "*" || tags->find(etag) != tags->npos;
  }
  std::tm since{};
  const std::string date(headers["if-modified-since"]);
  return strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &since) != nullptr &&
         modified <= timegm(&since);
}

sluice::task<> serve(const fs::path& root, IncomingMessage& req, ServerResponse& res) {
  if (req.method() != "GET" && req.method() != "HEAD") {
    co_await res.writeHead(405, {{"Allow", "GET, HEAD"}}).end();
    co_return;
  }
  const std::string_view path = req.url().substr(0, req.url().find('?'));
  const auto file = find(root, decoded(path));
  struct stat about {};
  std::ifstream content;
  if (file && stat(file->c_str(), &about) == 0) content.open(*file, std::ios::binary);
  if (!content.is_open()) {
    co_await res.writeHead(404).end("There is no such file.\n");
    co_return;
  }
  if (file->filename() == "index.html" && !path.ends_with('/') && !path.ends_with("index.html")) {
    // Links of the page are relative to the folder.
    const std::string folder = "./" + std::string(path.substr(path.rfind('/') + 1)) + "/";
    co_await res.writeHead(308, {{"Location", folder}}).end();
    co_return;
  }

  const auto size = static_cast<std::uintmax_t>(about.st_size);
  const std::string etag = '"' + std::to_string(size) + '-' + std::to_string(about.st_mtim.tv_sec) +
                           '.' + std::to_string(about.st_mtim.tv_nsec) + '"';
  const std::string modified = dateOf(about.st_mtime);
  res.setHeader("ETag", etag).setHeader("Last-Modified", modified);
  if (isFresh(req.headers(), etag, about.st_mtime)) {
    co_await res.writeHead(304).end();
    co_return;
  }

  // If-Range: the part only if the rest, which the client has, is of the same version.
  const std::string_view version = req.headers()["if-range"];
  const bool asked =
      req.method() == "GET" && (version.empty() || version == etag || version == modified);
  const auto range = rangeOf(asked ? req.headers()["range"] : "", size);
  if (!range) {
    res.setHeader("Content-Range", "bytes */" + std::to_string(size));
    co_await res.writeHead(416).end();
    co_return;
  }
  if (range->partial) {
    res.statusCode = 206;
    res.setHeader("Content-Range", "bytes " + std::to_string(range->first) + '-' +
                                       std::to_string(range->first + range->size - 1) + '/' +
                                       std::to_string(size));
  }
  res.setHeader("Accept-Ranges", "bytes").setHeader("Content-Length", range->size);
  res.setHeader("Content-Type", typeOf(*file)).setHeader("X-Content-Type-Options", "nosniff");
  if (req.method() == "HEAD") co_return;

  // One piece at a time: the next is read when the client has room for it.
  content.seekg(static_cast<std::streamoff>(range->first));
  std::vector<char> piece(64 * 1024);
  for (std::uintmax_t left = range->size; left > 0;) {
    content.read(piece.data(), static_cast<std::streamsize>(std::min(left, piece.size())));
    const auto count = static_cast<std::size_t>(content.gcount());
    if (count == 0) {
      // The file has shrunk: an answer that is too short must not look complete.
      res.destroy();
      co_return;
    }
    co_await res.write(std::string_view(piece.data(), count));
    left -= count;
  }
  co_await res.end();
}

int main(int argc, char* argv[]) {
  const fs::path root = fs::canonical(argc > 2 ? argv[2] : ".");
  boost::asio::io_context loop(1);
  auto server = createServer(
      loop, [&](IncomingMessage& req, ServerResponse& res) { return serve(root, req, res); });
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
