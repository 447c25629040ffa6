// SPDX-License-Identifier: BSL-1.0
//
// Finds a file, and sends it or the parts that are asked for. What is not in the system's memory is
// fetched on FilePool.
#pragma once

#include <filesystem>
#include <optional>
#include <sluice/task.hpp>
#include <sluice/web/app/config.hpp>
#include <sluice/web/app/detail/byte_ranges.hpp>
#include <sluice/web/app/detail/file.hpp>
#include <sluice/web/app/send_file_options.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app {
class Response;
}

namespace sluice::app::detail {

/// What to look for.
struct FileQuery {
  std::filesystem::path path;
  std::filesystem::path root = {};  // canonical; what leads out of it is not found. Empty: anywhere
  std::string index = {};           // what to open in a folder
  bool precompressed = false;       // whether a sibling may be sent in its place
  std::string acceptEncoding = {};
};

/// What was found.
struct FoundFile {
  enum class Kind { nothing, forbidden, folder, file };
  Kind kind = Kind::nothing;
  File file = {};
  FileInfo info = {};
  std::string coding = {};     // of a precompressed sibling
  bool hasSiblings = false;    // so that the answer depends on Accept-Encoding
  std::string extension = {};  // of the file itself
  std::string content = {};    // all of a small one
};

/// Looks for a file as far as `reach` goes. nullopt: only the disk can tell.
std::optional<FoundFile> findFile(const FileQuery& query, Reach reach);

/// Looks in memory, and then on the disk. `query` lives until that is done.
task<FoundFile> findFile(Response& res, const FileQuery& query);

/// Which of br, zstd and gzip an Accept-Encoding wants, best first.
std::vector<std::string_view> wantedCodings(std::string_view acceptEncoding);

/// Answers with a file that was found.
task<> sendFound(Response& res, FoundFile found, SendFileOptions options);

}  // namespace sluice::app::detail
