// SPDX-License-Identifier: BSL-1.0
//
// A folder of files, and a router that serves it.
#pragma once

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace files {

namespace app = sluice::app;
namespace http = sluice::http;
namespace fs = std::filesystem;
// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    static int count = 0;
    path_ = fs::temp_directory_path() /
            ("sluice-files-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    fs::create_directories(path_ / "public");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  fs::path root() const { return path_ / "public"; }
  const fs::path& outside() const { return path_; }

  fs::path write(const fs::path& name, std::string_view content) const {
    const fs::path path = root() / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  fs::path path_;
};

inline app::Router serving(const Folder& folder, app::StaticOptions options = {}) {
  app::Router router;
  router.use("/f", app::staticFiles(folder.root(), options));
  return router;
}

inline sluice::test::InjectResponse get(const app::Router& router, std::string url,
                                        http::Headers headers = {}, std::string method = "GET") {
  return sluice::test::inject(
      router, {.method = std::move(method), .url = std::move(url), .headers = std::move(headers)});
}

inline std::string numbers(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ",";
  text.resize(size);
  return text;
}
}  // namespace files
