// SPDX-License-Identifier: BSL-1.0
//
// A folder that can be filled and read with a browser: uploads of any size with a progress bar, a
// list, and downloads with ranges. Try it, with a folder as the second argument:
//   curl localhost:8080/upload -F file=@README.md
//   curl localhost:8080/files/README.md -r 0-99
#include <boost/json/src.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sluice/app.hpp>

namespace app = sluice::app;
namespace fs = std::filesystem;

const std::string_view page = R"(<!DOCTYPE html>
<title>file share</title>
<form><input type="file" name="file" multiple required> <button>upload</button></form>
<progress value="0" hidden></progress>
<ul></ul>
<script>
  const list = async () => {
    const files = await (await fetch("/list")).json();
    document.querySelector("ul").replaceChildren(...files.map(name => {
      const link = document.createElement("a");
      link.href = "/files/" + encodeURIComponent(name);
      link.textContent = name;
      const item = document.createElement("li");
      item.append(link);
      return item;
    }));
  };
  document.querySelector("form").onsubmit = event => {
    event.preventDefault();
    const upload = new XMLHttpRequest();
    const bar = document.querySelector("progress");
    upload.upload.onprogress = at => { bar.hidden = false; bar.value = at.loaded / at.total; };
    upload.onload = () => { bar.hidden = true; list(); };
    upload.open("POST", "/upload");
    upload.send(new FormData(event.target));
  };
  list();
</script>
)";

class Share {
 public:
  explicit Share(fs::path folder) : folder_(std::move(folder)) {}

  sluice::task<> upload(app::Request& req, app::Response& res) {
    std::size_t bytes = 0;
    co_await req.parts([&](app::FormPart& part) -> sluice::task<> {
      // What a client calls a file has no folders any more, but it may still be hidden.
      if (part.filename().empty() || part.filename().starts_with('.')) co_return;
      const fs::path unfinished = folder_ / (".upload-" + std::to_string(++uploads_));
      std::ofstream file(unfinished, std::ios::binary);
      while (auto piece = co_await part.read()) {
        file << *piece;
        bytes += piece->size();
      }
      file.close();
      if (!file) throw app::HttpError{507};
      fs::rename(unfinished, folder_ / part.filename());
    });
    co_await res.status(201).text(std::to_string(bytes) + " bytes\n");
  }

  sluice::task<> list(app::Request&, app::Response& res) {
    boost::json::array names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && !name.starts_with('.')) names.emplace_back(name);
    }
    co_await res.json(names);
  }

 private:
  fs::path folder_;
  int uploads_ = 0;
};

int main(int argc, char* argv[]) {
  const fs::path folder = argc > 2 ? argv[2] : ".";
  boost::asio::io_context loop(1);
  Share share(folder);
  app::Router router;
  router.get("/",
             [](app::Request&, app::Response& res) -> sluice::task<> { co_await res.html(page); });
  router.post("/upload", &Share::upload, share).get("/list", &Share::list, share);
  router.use("/files", app::staticFiles(folder, {.index = ""}));
  auto server = sluice::http::createServer(loop, router);
  server.listen(argc > 1 ? std::atoi(argv[1]) : 8080, [&] {
    std::cout << "listening on http://127.0.0.1:" << server.address().port << '/' << std::endl;
  });
  loop.run();
}
