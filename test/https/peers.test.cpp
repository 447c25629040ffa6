// SPDX-License-Identifier: BSL-1.0
//
// TLS against other people's: curl, openssl and Node, where the machine has them.
#include <unistd.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sluice/https.hpp>
#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/loopback.hpp"

using namespace sluice;

namespace {

/// Runs a command of the shell beside the loop; all that it says.
task<std::string> shell(std::string command) {
  const auto executor = co_await asio::this_coro::executor;
  std::FILE* pipe = ::popen(("exec 2>&1; " + command).c_str(), "r");
  asio::posix::stream_descriptor out(executor, ::dup(::fileno(pipe)));
  std::string said;
  error_code end;
  co_await asio::async_read(out, asio::dynamic_buffer(said),
                            asio::redirect_error(asio::use_awaitable, end));
  ::pclose(pipe);
  co_return said;
}

/// A command that ends when this process does, and after a minute in any case.
std::string bounded(const std::string& command) {
  return "exec $(command -v setpriv > /dev/null && echo setpriv --pdeathsig TERM) timeout 60 " +
         command;
}

bool has(const char* program) {
  const std::string command = "command -v " + std::string(program) + " > /dev/null 2>&1";
  if (std::system(command.c_str()) == 0) return true;
  WARN(program << " is not there: nothing was tested against it");
  return false;
}

/// Certificates as files, and a server that shows them.
struct Site {
  explicit Site(asio::io_context& loop, bool requestCert = false)
      : server(https::createServer(
            loop, options(requestCert),
            [this](http::IncomingMessage& req, http::ServerResponse& res) -> task<> {
              reused = reused || req.socket().isSessionReused();
              const auto peer = req.socket().getPeerCertificate();
              if (req.method() == "POST") {
                while (const auto chunk = co_await req.read()) co_await res.write(*chunk);
              } else {
                co_await res.end("hello " + req.socket().getProtocol() + ' ' + peer.subject["CN"] +
                                 '\n');
              }
            })) {
    write("ca.pem", test::authority().cert());
    const test::Identity client = test::issued("me", "email:me@example.org");
    write("client.pem", client.cert());
    write("client.key", client.key());
    server.listen(0, "127.0.0.1");
  }
  static https::ServerOptions options(bool requestCert) {
    return {.key = test::localhost().key(),
            .cert = test::localhost().cert(),
            .ca = test::authority().cert(),
            .requestCert = requestCert};
  }
  void write(const char* name, const std::string& text) const {
    std::ofstream(folder / name) << text;
  }
  std::string file(const char* name) const { return folder / name; }
  std::string port() const { return std::to_string(server.address().port); }
  std::string url() const { return "https://localhost:" + port() + '/'; }

  loopback::Folder folder;
  bool reused = false;
  https::Server server;
};

}  // namespace

TEST_CASE("curl gets answers over TLS 1.2 and 1.3", "[https][peers]") {
  if (!has("curl")) return;
  loopback::run([](asio::io_context& loop) -> task<> {
    Site site(loop);
    const std::string curl = "curl -4sS --cacert " + site.file("ca.pem") + ' ';
    const auto newest = co_await shell(curl + site.url() + ' ' + site.url());
    const auto older = co_await shell(curl + "--tls-max 1.2 " + site.url());
    const auto untrusting =
        co_await shell("curl -4sS --cacert " + site.file("client.pem") + ' ' + site.url());
    const auto upload = co_await shell("head -c 3000000 /dev/zero | " + curl + "--data-binary @- " +
                                       site.url() + " | wc -c");
    CHECK(newest == "hello TLSv1.3 \nhello TLSv1.3 \n");
    CHECK(older == "hello TLSv1.2 \n");
    CHECK(untrusting.starts_with("curl: (60)"));
    CHECK(upload == "3000000\n");
    site.server.close();
  });
}

TEST_CASE("curl shows its certificate to a server that asks", "[https][peers]") {
  if (!has("curl")) return;
  loopback::run([](asio::io_context& loop) -> task<> {
    Site site(loop, true);
    const std::string curl = "curl -4sS --cacert " + site.file("ca.pem") + ' ';
    const auto known = co_await shell(curl + "--cert " + site.file("client.pem") + " --key " +
                                      site.file("client.key") + ' ' + site.url());
    const auto unknown = co_await shell(curl + site.url());
    CHECK(known == "hello TLSv1.3 me\n");
    CHECK(unknown.starts_with("curl: ("));
    site.server.close();
  });
}

TEST_CASE("openssl s_client shakes hands, resumes, and may not renegotiate", "[https][peers]") {
  if (!has("openssl")) return;
  loopback::run([](asio::io_context& loop) -> task<> {
    Site site(loop);
    const std::string to = " -connect 127.0.0.1:" + site.port() + ' ';
    const std::string ask = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet" + to +
                            "-servername localhost -verify_return_error -CAfile " +
                            site.file("ca.pem") + ' ';
    const auto plain = co_await shell(ask);
    CHECK(plain.find("hello TLSv1.3") != std::string::npos);
    const auto first = co_await shell(ask + "-tls1_2 -sess_out " + site.file("session"));
    CHECK(first.find("hello TLSv1.2") != std::string::npos);
    CHECK_FALSE(site.reused);
    const auto second = co_await shell(ask + "-tls1_2 -sess_in " + site.file("session"));
    CHECK(second.find("hello TLSv1.2") != std::string::npos);
    CHECK(site.reused);
    const auto again = co_await shell("printf 'R\\n' | openssl s_client" + to + "-tls1_2");
    CHECK(again.find("no renegotiation") != std::string::npos);
    const auto old =
        co_await shell("openssl s_client -tls1_1 -cipher ALL:@SECLEVEL=0" + to + "< /dev/null");
    CHECK(old.find("alert protocol version") != std::string::npos);
    site.server.close();
  });
}

TEST_CASE("Node's client and ours, Node's server and ours", "[https][peers]") {
  if (!has("node")) return;
  loopback::run([](asio::io_context& loop) -> task<> {
    Site site(loop, true);
    site.write("client.js", R"js(
      const https = require('https'), fs = require('fs'), dir = process.argv[2];
      const read = name => fs.readFileSync(dir + '/' + name);
      const agent = new https.Agent({ca: read('ca.pem'), cert: read('client.pem'),
                                     key: read('client.key'), family: 4});
      const get = next => https.get({host: 'localhost', port: process.argv[3], agent}, res => {
        console.log(res.socket.authorized, res.socket.isSessionReused());
        res.on('data', d => process.stdout.write(d)).on('end', next);
      });
      get(() => get(() => {}));
    )js");
    const std::string dir = site.file(".");
    const auto said =
        co_await shell(bounded("node ") + site.file("client.js") + ' ' + dir + ' ' + site.port());
    CHECK(said == "true false\nhello TLSv1.3 me\ntrue true\nhello TLSv1.3 me\n");
    site.server.close();

    site.write("server.key", test::localhost().key());
    site.write("server.pem", test::localhost().cert());
    site.write("server.js", R"js(
      const https = require('https'), fs = require('fs'), dir = process.argv[2];
      const read = name => fs.readFileSync(dir + '/' + name);
      const server = https.createServer({key: read('server.key'), cert: read('server.pem'),
          ca: read('ca.pem'), requestCert: true}, (req, res) => {
        const s = req.socket;
        const text = s.authorized + ' ' + s.servername + ' ' + s.getPeerCertificate().subject.CN +
                     ' ' + s.isSessionReused();
        if (req.url == '/2') server.close();
        req.pipe(res, {end: false});
        req.on('end', () => res.end(text));
      });
      server.listen(0, '127.0.0.1',
                    () => fs.writeFileSync(dir + '/port', server.address().port + '\n'));
    )js");
    const auto serve = [](std::string command) -> task<> {
      const auto complaints = co_await shell(command);
      CHECK(complaints.empty());
    };
    static_cast<void>(co_await shell("mkfifo " + site.file("port")));
    asio::co_spawn(loop, serve(bounded("node ") + site.file("server.js") + ' ' + dir),
                   asio::detached);
    const auto port = co_await shell("cat " + site.file("port"));
    https::Agent agent(loop);
    https::RequestOptions options;
    options.agent = agent;
    options.family = 4;
    options.method = "POST";
    options.ca = site.file("ca.pem");
    options.key = site.file("client.key");
    options.cert = site.file("client.pem");
    options.port = static_cast<std::uint16_t>(std::atoi(port.c_str()));
    std::string answers;
    for (const char* path : {"/1", "/2"}) {
      options.path = path;
      auto req = https::request(loop, options);
      req.end(std::string(100000, 'x'));
      auto res = co_await req.response();
      const std::string body = co_await res.text();
      answers += body.substr(std::min<std::size_t>(body.size(), 100000)) + '\n';
    }
    CHECK(answers == "true localhost me false\ntrue localhost me true\n");
    agent.destroy();
  });
}
