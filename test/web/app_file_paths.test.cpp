// SPDX-License-Identifier: BSL-1.0
//
// Paths that lead out of the folder, to what is hidden in it, or to what is no file.
#include <fstream>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <sluice/web/app/detail/windows_name.hpp>
#include <string>
#include <support/catch.hpp>
#include <vector>
#include "files.hpp"

using namespace files;
using namespace sluice;
using app::Router;

TEST_CASE("dotfiles are as if they were not there, unless an option says so",
          "[app][files][plain]") {
  const Folder folder;
  folder.write(".env", "secret");
  folder.write(".git/config", "secret");
  for (const char* url : {"/f/.env", "/f/%2eenv", "/f/.git/config", "/f/.git"}) {
    CAPTURE(url);
    CHECK(get(serving(folder), url).statusCode == 404);
    CHECK(get(serving(folder, {.dotfiles = app::Dotfiles::deny}), url).statusCode == 403);
  }
  CHECK(get(serving(folder, {.dotfiles = app::Dotfiles::allow}), "/f/.env").body == "secret");
}

// mingw-w64 makes no links, and Windows has no pipes in folders.
#if !defined(_WIN32)
TEST_CASE("symbolic links are followed inside of the folder only", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "inside");
  std::ofstream(folder.outside() / "secret.txt") << "secret";
  fs::create_directories(folder.outside() / "public-2");
  std::ofstream(folder.outside() / "public-2/x.txt") << "secret";
  fs::create_symlink(folder.root() / "a.txt", folder.root() / "link.html");
  fs::create_symlink(folder.outside() / "secret.txt", folder.root() / "out.txt");
  fs::create_directory_symlink(folder.outside(), folder.root() / "up");
  fs::create_directory_symlink(folder.outside() / "public-2", folder.root() / "beside");
  fs::create_symlink(folder.root() / "loop", folder.root() / "loop");
  const Router router = serving(folder);
  CHECK(get(router, "/f/link.html").body == "inside");
  CHECK(get(router, "/f/link.html").headers["content-type"] == "text/html; charset=utf-8");
  for (const char* url :
       {"/f/out.txt", "/f/up/secret.txt", "/f/up/", "/f/beside/x.txt", "/f/loop"}) {
    CAPTURE(url);
    CHECK(get(router, url).statusCode == 404);
  }
}

TEST_CASE("what is no regular file is not sent", "[app][files][plain]") {
  const Folder folder;
  REQUIRE(::mkfifo((folder.root() / "pipe").c_str(), 0600) == 0);
  CHECK(get(serving(folder), "/f/pipe").statusCode == 404);
}
#endif

namespace {

// Every way to write a way out: each form of a step up, of a separator, and of a target.
std::vector<std::string> waysOut() {
  const std::vector<std::string> dots{"..",
                                      "%2e%2e",
                                      "%2E.",
                                      ".%2e",
                                      "%252e%252e",
                                      "%c0%ae%c0%ae",
                                      "%e0%80%ae%e0%80%ae",
                                      "..%00",
                                      "%2e%2e%00",
                                      "\\..",
                                      "..\\",
                                      "..%5c",
                                      "..;",
                                      "....",
                                      ". .",
                                      "%u002e%u002e",
                                      "%uff0e%uff0e",
                                      "%EF%BC%8E%EF%BC%8E"};
  const std::vector<std::string> separators{"/",     "%2f",   "%2F",       "%5c",
                                            "\\",    "//",    "/./",       "%c0%af",
                                            "%252f", "/%2e/", "%e2%88%95", "%ef%bc%8f"};
  std::vector<std::string> paths;
  for (const std::string& dot : dots) {
    for (const std::string& separator : separators) {
      paths.push_back(dot + separator + "secret.txt");
      paths.push_back("sub" + separator + dot + separator + dot + separator + "secret.txt");
    }
  }
  for (const std::string& separator : separators) {
    paths.push_back(separator + "etc" + separator + "passwd");
    paths.push_back("sub" + separator + "..%00.txt");
    paths.push_back("secret.txt%00" + separator);
  }
  return paths;
}

}  // namespace

TEST_CASE("the other names that Windows has for a file are known", "[app][files]") {
  for (const char* name :
       {"a.txt.",        "a.txt ",     "a.txt. .", "a.txt::$DATA", "c:",       "a:b",
        "SECRET~1.TXT",  "secre~12",   "ENV~1",    "~1",           "NUL",      "nul.txt",
        "Con",           "aux.tar.gz", "prn .txt", "COM1",         "lpt9.log", "com\xC2\xB9",
        "LPT\xC2\xB3.x", "CONIN$",     "conout$",  "a*",           "a?b",      "a|b",
        "a<b",           "a>b",        "a\"b",     "a\\b",         "a\tb"}) {
    CAPTURE(name);
    CHECK(app::detail::isOtherNameOnWindows(name));
  }
  for (const char* name : {"", "a.txt", ".env", "null", "console", "com", "com10", "coma", "lpt",
                           "auxiliary.js", "a~b.txt", "~", "backup~", "~1a", "index.html~1",
                           "a-long-name~1.txt", "b\xC3\xA9.json", "a b.txt", "x.nul"}) {
    CAPTURE(name);
    CHECK(!app::detail::isOtherNameOnWindows(name));
  }
}

#if defined(_WIN32)
TEST_CASE("a file is not sent by another name of Windows", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "inside");
  folder.write("a long name.text", "inside");
  folder.write(".env", "secret");
  const Router router = serving(folder);
  CHECK(get(router, "/f/a.txt").body == "inside");
  CHECK(get(router, "/f/a%20long%20name.text").body == "inside");
  for (const char* url : {"/f/a.txt.", "/f/a.txt%20", "/f/a.txt::$DATA", "/f/a.txt%3A%3A$DATA",
                          "/f/.::$INDEX_ALLOCATION/a.txt", "/f/ALONGN~1.TEX", "/f/ENV~1", "/f/NUL",
                          "/f/CON.txt", "/f/c:/windows/win.ini", "/f/C%3A%5Cwindows%5Cwin.ini",
                          "/f/%5C%5C.%5Cpipe%5Cx", "/f//%3F/c:/windows/win.ini"}) {
    CAPTURE(url);
    const int status = get(router, url).statusCode;
    CHECK((status == 404 || status == 400));
  }
}
#endif

TEST_CASE("no path leads out of the folder, however it is written", "[app][files][plain]") {
  const Folder folder;
  folder.write("a.txt", "inside");
  folder.write("sub/b.txt", "inside");
  std::ofstream(folder.outside() / "secret.txt") << "the secret";
  const std::string absolute = folder.outside().string() + "/secret.txt";
  Router mounted = serving(folder, {.dotfiles = app::Dotfiles::allow});
  Router bare;
  bare.use(app::staticFiles(folder.root(), {.dotfiles = app::Dotfiles::allow}));
  std::vector<std::string> paths = waysOut();
  CHECK(paths.size() >= 300);
  paths.push_back(absolute);
  paths.push_back("%2f" + absolute.substr(1));
  paths.push_back("file://" + absolute);
  for (const std::string& path : paths) {
    CAPTURE(path);
    for (const auto* router : {&mounted, &bare}) {
      for (const std::string prefix : {"/f/", "/", "/f", "/f//", "/f/x/../"}) {
        std::string answer;
        try {
          answer = get(*router, prefix + path).raw;
        } catch (const http::Error&) {
          continue;  // No client could send it.
        } catch (const std::logic_error& error) {
          answer = error.what();  // Was not an answer to this request.
        }
        const bool leaks = answer.find("the secret") != std::string::npos ||
                           answer.find("root:") != std::string::npos;
        CHECK_FALSE(leaks);
      }
    }
  }
}
