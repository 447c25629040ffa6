// SPDX-License-Identifier: BSL-1.0
//
// Definitions of <sluice/web/app/detail/file_sending.hpp>.
#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <random>
#include <sluice/http/incoming_message.hpp>
#include <sluice/web/app/detail/error_answer.hpp>
#include <sluice/web/app/detail/file_pool.hpp>
#include <sluice/web/app/detail/file_sending.hpp>
#include <sluice/web/app/detail/http_date.hpp>
#include <sluice/web/app/detail/negotiation.hpp>
#include <sluice/web/app/detail/preconditions.hpp>
#include <sluice/web/app/detail/target_path.hpp>
#include <sluice/web/app/response.hpp>
#include <system_error>
#include <utility>

namespace sluice::app::detail {

namespace file_sending {

namespace fs = std::filesystem;

/// What is read at once, and up to which size a file is read when it is opened.
inline constexpr std::size_t pieceSize = 128 * 1024;
inline constexpr std::size_t smallSize = 64 * 1024;
/// What one client gets before the loop looks after others, however fast it reads.
inline constexpr std::size_t turnSize = 1024 * 1024;

inline bool isInside(const fs::path& path, const fs::path& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

// The path without symbolic links, if it may be sent; else empty.
inline fs::path resolved(const fs::path& path, const fs::path& root) {
  std::error_code ec;
  fs::path real = realPath(path, ec);
  if (ec || (!root.empty() && !isInside(real, root))) return {};
  return real;
}

// A file by its name, its index or its sibling, looked for as far as `reach` goes.
class Search {
 public:
  Search(const FileQuery& query, Reach reach) : query_(query), reach_(reach) {}

  std::optional<FoundFile> run() {
    find();
    return mustWait_ ? std::nullopt : std::optional(std::move(found_));
  }

 private:
  using Kind = FoundFile::Kind;

  // What a path leads to, if that may be sent. The file is open where looking for it has opened it.
  struct Place {
    fs::path path = {};
    File file = {};
    bool exists = false;
  };

  void find();
  Place look(fs::path path);
  void open(FoundFile& found, Place place) const;
  void preferSibling(const fs::path& path);
  void readSmall();

  const FileQuery& query_;
  Reach reach_;
  FoundFile found_ = {};
  bool mustWait_ = false;  // only the disk can tell
};

inline void Search::find() {
  Place place = look(query_.path);
  if (!place.exists) return;
  found_.extension = query_.path.extension().string();
  fs::path path = place.path;
  open(found_, std::move(place));
  if (found_.kind == Kind::folder && !query_.index.empty()) {
    place = look(path / query_.index);
    found_.extension = fs::path(query_.index).extension().string();
    found_.kind = Kind::nothing;
    path = place.path;
    if (place.exists) open(found_, std::move(place));
    if (found_.kind == Kind::folder) found_.kind = Kind::nothing;
  }
  if (found_.kind != Kind::file) return;
  if (query_.precompressed) preferSibling(path);
  readSmall();
}

// In memory a path with a symbolic link is not followed, so that which is found is the real one.
inline Search::Place Search::look(fs::path path) {
  Place place;
  if (reach_ == Reach::disk) {
    place.path = resolved(path, query_.root);
    place.exists = !place.path.empty();
    return place;
  }
  place.file = File(path, Reach::cache);
  place.path = std::move(path);
  place.exists = static_cast<bool>(place.file);
  if (!place.exists && errno != ENOENT && errno != ENOTDIR) mustWait_ = true;
  return place;
}

// The kind says what it is.
inline void Search::open(FoundFile& found, Place place) const {
  found.file = place.file ? std::move(place.file) : File(place.path, reach_);
  found.kind = Kind::nothing;
  if (!found.file) {
    if (errno == EACCES) found.kind = Kind::forbidden;
    return;
  }
  found.info = found.file.info();
  if (found.info.isRegular) found.kind = Kind::file;
  if (found.info.isFolder) found.kind = Kind::folder;
}

inline void Search::preferSibling(const fs::path& path) {
  const auto wanted = wantedCodings(query_.acceptEncoding);
  std::size_t best = wanted.size();
  for (const auto& [coding, suffix] : {std::pair("br", ".br"), {"zstd", ".zst"}, {"gzip", ".gz"}}) {
    fs::path name = path;
    name += suffix;
    Place sibling = look(std::move(name));
    if (mustWait_) return;
    if (!sibling.exists) continue;
    found_.hasSiblings = true;
    const auto rank =
        static_cast<std::size_t>(std::find(wanted.begin(), wanted.end(), coding) - wanted.begin());
    if (rank >= best) continue;
    FoundFile other;
    open(other, std::move(sibling));
    if (other.kind != Kind::file) continue;
    best = rank;
    found_.file = std::move(other.file);
    found_.info = other.info;
    found_.coding = coding;
  }
}

// A small file is read right away; one that changes meanwhile is read again.
inline void Search::readSmall() {
  for (int attempt = 0; attempt < 3 && found_.info.size <= smallSize; ++attempt) {
    found_.content.resize(static_cast<std::size_t>(found_.info.size));
    const std::size_t count = found_.file.read(0, found_.content, reach_);
    const FileInfo now = found_.file.info();
    if (count == found_.content.size() && now == found_.info) return;
    if (reach_ == Reach::cache) {
      mustWait_ = true;
      return;
    }
    found_.info = now;
  }
  found_.content.clear();
}

inline std::string etagOf(const FoundFile& found) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto append = [&](std::string& out, std::uint64_t number) {
    std::string text;
    do {
      text.insert(text.begin(), digits[number & 15]);
      number >>= 4;
    } while (number != 0);
    out += text;
  };
  std::string tag = "\"";
  append(tag, static_cast<std::uint64_t>(found.info.modified.time_since_epoch().count()));
  tag += '-';
  append(tag, found.info.size);
  if (!found.coding.empty()) tag.append("-").append(found.coding);
  return tag += '"';
}

inline std::string cacheControlOf(const SendFileOptions& options) {
  if (!options.cacheControl.empty()) return std::string(options.cacheControl);
  std::string text = "public, max-age=" + std::to_string(options.maxAge.count());
  if (options.immutable) text += ", immutable";
  return text;
}

// RFC 6266: a plain name for old clients, and the whole one.
inline std::string dispositionOf(std::string_view name) {
  std::string plain;
  for (const char letter : name) {
    const bool allowed =
        letter >= ' ' && letter < 0x7F && letter != '"' && letter != '\\' && letter != '%';
    plain += allowed ? letter : '_';
  }
  std::string text = "attachment; filename=\"" + plain + '"';
  if (plain != name) text += "; filename*=UTF-8''" + percentEncoded(name);
  return text;
}

inline void describe(Response& res, const FoundFile& found, const SendFileOptions& options,
                     std::string_view etag) {
  const auto set = [&res](std::string_view name, std::string_view value) {
    if (!value.empty() && !res.hasHeader(name)) res.setHeader(name, value);
  };
  set("Cache-Control", cacheControlOf(options));
  set("ETag", etag);
  if (options.lastModified) {
    set("Last-Modified",
        http::formatDate(std::chrono::floor<std::chrono::seconds>(found.info.modified)));
  }
  if (!options.attachment.empty()) set("Content-Disposition", dispositionOf(options.attachment));
  if (found.hasSiblings) res.appendHeader("Vary", "Accept-Encoding");
  set("Content-Encoding", found.coding);
  if (options.ranges) set("Accept-Ranges", "bytes");
  std::string_view type = options.contentType;
  if (type.empty()) type = mediaTypeOf(found.extension);
  set("Content-Type", type.empty() ? std::string_view("application/octet-stream") : type);
}

/// Sends a part of a file; false: the file has changed, and the response was given up.
inline task<bool> sendPart(Response& res, const FoundFile& found, ByteRange part) {
  if (!found.content.empty()) {
    co_await res.write(
        std::string_view(found.content)
            .substr(static_cast<std::size_t>(part.first), static_cast<std::size_t>(part.size)));
    co_return true;
  }
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(part.size, pieceSize)), '\0');
  bool unchanged = true;
  std::size_t count = 0;
  const auto read = [&](Reach reach) {
    count = found.file.read(part.first,
                            std::span<char>(piece).first(static_cast<std::size_t>(
                                std::min<std::uint64_t>(part.size, piece.size()))),
                            reach);
    // Asking of a file that is not in memory may wait.
    unchanged = count == 0 || found.file.info() == found.info;
  };
  const std::function<void()> readDisk = [&read] { read(Reach::disk); };
  std::size_t ofTurn = 0;
  while (part.size > 0) {
    if (ofTurn >= turnSize) {
      ofTurn = 0;
      co_await asio::post(res.get_executor(), asio::use_awaitable);
    }
    read(Reach::cache);
    if (count == 0) co_await FilePool::of(res.get_executor()).run(readDisk);
    if (!unchanged || count == 0) {
      // An answer of two versions must not look complete.
      res.destroy();
      co_return false;
    }
    co_await res.write(std::string_view(piece).substr(0, count));
    part.first += count;
    part.size -= count;
    ofTurn += count;
  }
  co_return true;
}

inline std::string makeBoundary() {
  constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuv";
  std::random_device random;
  std::string boundary = "part-";
  for (int index = 0; index < 24; ++index) boundary += letters[random() & 31];
  return boundary;
}

inline task<> sendParts(Response& res, const FoundFile& found, std::vector<ByteRange> parts) {
  const std::string boundary = makeBoundary();
  const std::string type(res.getHeader("Content-Type").str());
  std::vector<std::string> heads;
  std::uint64_t length = 0;
  for (const ByteRange& part : parts) {
    std::string& head = heads.emplace_back("\r\n--");
    head.append(boundary).append("\r\nContent-Type: ").append(type);
    head.append("\r\nContent-Range: ").append(contentRange(part, found.info.size));
    head.append("\r\n\r\n");
    length += head.size() + part.size;
  }
  const std::string last = "\r\n--" + boundary + "--\r\n";
  res.setHeader("Content-Type", "multipart/byteranges; boundary=" + boundary);
  res.setHeader("Content-Length", length + last.size());
  for (std::size_t index = 0; index < parts.size(); ++index) {
    co_await res.write(std::string_view(heads[index]));
    const bool sent = co_await sendPart(res, found, parts[index]);
    if (!sent) co_return;
  }
  co_await res.end(std::string_view(last));
}

}  // namespace file_sending

SLUICE_DECL std::vector<std::string_view> wantedCodings(std::string_view acceptEncoding) {
  struct Wanted {
    std::string_view coding;
    int quality;
  };
  std::array<Wanted, 3> all{{{"br", -1}, {"zstd", -1}, {"gzip", -1}}};
  int others = 0;
  int plain = 0;
  while (!acceptEncoding.empty()) {
    const std::string_view element = takeElement(acceptEncoding);
    const std::size_t end = std::min(element.find(';'), element.size());
    const std::string_view name = trimBlanks(element.substr(0, end));
    const int quality = qualityOf(element.substr(end));
    if (name == "*") others = quality;
    if (equalIgnoreCase(name, "identity")) plain = quality;
    for (Wanted& wanted : all) {
      if (equalIgnoreCase(wanted.coding, name)) wanted.quality = quality;
      if (wanted.coding == "gzip" && equalIgnoreCase(name, "x-gzip")) wanted.quality = quality;
    }
  }
  for (Wanted& wanted : all) {
    if (wanted.quality < 0) wanted.quality = others;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Wanted& a, const Wanted& b) { return a.quality > b.quality; });
  std::vector<std::string_view> codings;
  for (const Wanted& wanted : all) {
    if (wanted.quality > 0 && wanted.quality >= plain) codings.push_back(wanted.coding);
  }
  return codings;
}

SLUICE_DECL std::optional<FoundFile> findFile(const FileQuery& query, Reach reach) {
  return file_sending::Search(query, reach).run();
}

SLUICE_DECL task<FoundFile> findFile(Response& res, const FileQuery& query) {
  std::optional<FoundFile> found = findFile(query, Reach::cache);
  if (!found) {
    const std::function<void()> find = [&] { found = findFile(query, Reach::disk); };
    co_await FilePool::of(res.get_executor()).run(find);
  }
  co_return std::move(*found);
}

SLUICE_DECL task<> sendFound(Response& res, FoundFile found, SendFileOptions options) {
  const http::IncomingMessage& req = res.req();
  const bool head = req.method() == "HEAD";
  const std::string etag = options.etag ? file_sending::etagOf(found) : std::string();
  const bool dated = res.hasHeader("Last-Modified");
  file_sending::describe(res, found, options, etag);
  // Those of the handler, if it has set any.
  Validators current{res.headerText("ETag"), {}};
  if (dated) {
    current.modified = parseHttpDate(res.headerText("Last-Modified")).value_or(current.modified);
  } else if (options.lastModified) {
    current.modified = std::chrono::floor<std::chrono::seconds>(found.info.modified);
  }
  std::vector<ByteRange> parts;
  if (res.statusCode == 200 && (head || req.method() == "GET")) {
    const Verdict verdict = checkPreconditions(req.headers(), current);
    if (verdict == Verdict::notModified) {
      for (const std::string_view name :
           {"Content-Type", "Content-Encoding", "Content-Disposition", "Accept-Ranges"}) {
        res.removeHeader(name);
      }
      co_await res.status(304).end();
      co_return;
    }
    if (verdict != Verdict::proceed) {
      dropContentHeaders(res);
      co_await res.status(412).end();
      co_return;
    }
    // RFC 9110 §14.2: a Range counts for GET only.
    if (options.ranges && !head && rangeApplies(req.headers(), current)) {
      RangeRequest asked = parseRanges(req.headers()["range"], found.info.size);
      if (asked.kind == RangeRequest::Kind::unsatisfiable) {
        dropContentHeaders(res);
        res.setHeader("Content-Type", "text/plain; charset=utf-8");
        res.setHeader("Content-Range", "bytes */" + std::to_string(found.info.size));
        co_await res.status(416).end("Range Not Satisfiable");
        co_return;
      }
      parts = std::move(asked.parts);
    }
  }
  if (parts.size() > 1) {
    res.status(206);
    co_await file_sending::sendParts(res, found, std::move(parts));
    co_return;
  }
  ByteRange part{0, found.info.size};
  if (!parts.empty()) {
    part = parts.front();
    res.status(206).setHeader("Content-Range", contentRange(part, found.info.size));
  }
  res.setHeader("Content-Length", part.size);
  if (!head && part.size > 0) {
    const bool sent = co_await file_sending::sendPart(res, found, part);
    if (!sent) co_return;
  }
  co_await res.end();
}

}  // namespace sluice::app::detail
