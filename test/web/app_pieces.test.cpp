// SPDX-License-Identifier: BSL-1.0
//
// The pure pieces below the router and its middleware: dates, paths, trusted networks; and what two
// of the middlewares make of addresses and names.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <sluice/app.hpp>
#include <sluice/test.hpp>
#include <sluice/web/app/detail/http_date.hpp>
#include <sluice/web/app/detail/mount_table.hpp>
#include <sluice/web/app/detail/networks.hpp>
#include <sluice/web/app/detail/target_path.hpp>
#include <string>
#include <string_view>
#include <support/catch.hpp>

using namespace sluice;
using namespace std::string_view_literals;
using app::Request;
using app::Response;
using app::Router;
using app::detail::Networks;
using app::detail::parseHttpDate;
using app::detail::TargetPath;

namespace {

std::string decoded(std::string_view target) {
  TargetPath path;
  return path.assign(target) ? std::string(path.decoded()) : "refused";
}

}  // namespace

TEST_CASE("the three forms of a date say the same", "[app][date]") {
  const std::chrono::sys_seconds time(std::chrono::seconds(784111777));
  CHECK(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT") == time);
  CHECK(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT") == time);
  CHECK(parseHttpDate("Sun Nov  6 08:49:37 1994") == time);
  CHECK(parseHttpDate("Wed Nov 16 08:49:37 1994") == time + std::chrono::hours(240));
  CHECK(http::formatDate(time) == "Sun, 06 Nov 1994 08:49:37 GMT");
  // Two digits are of this century below 70.
  CHECK(parseHttpDate("Thursday, 01-Jan-26 00:00:00 GMT") ==
        parseHttpDate("Thu, 01 Jan 2026 00:00:00 GMT"));
}

TEST_CASE("what is no date is none", "[app][date]") {
  const auto text =
      GENERATE("", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT+1",
               "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
               "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
               "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
               "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 199x 08:49:37 GMT",
               "Sun, 06 Nov 1994 08-49:37 GMT", "Sun, 06 Nov 1994 /8:49:37 GMT",
               "Sun,x06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 19", "Sunday, 06 Nov 94 08:49:37 GMT",
               "Sunday, 06-Foo-94 08:49:37 GMT", "Sun Foo  6 08:49:37 1994",
               "Sun Nov xx 08:49:37 1994", "Sun Nov  6 08:49:37 19x4");
  CAPTURE(text);
  CHECK(!parseHttpDate(text));
}

TEST_CASE("a leap second is a date", "[app][date]") {
  CHECK(parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT"));
}

TEST_CASE("UTF-8 is what RFC 3629 says it is", "[app][path]") {
  for (const auto text : {""sv, "a"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv,
                          "\xEC\x80\x80"sv, "\xED\x9F\xBF"sv, "\xEF\xBF\xBF"sv,
                          "\xF0\x90\x80\x80"sv, "\xF1\x80\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv}) {
    CAPTURE(text);
    CHECK(sluice::detail::isUtf8(text));
  }
  for (const auto text :
       {"\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv, "\xC2\x7F"sv, "\xC2\xC0"sv,
        "\xE0\x9F\x80"sv, "\xE1\x80"sv, "\xE1\x80\xC0"sv, "\xED\xA0\x80"sv, "\xF0\x8F\x80\x80"sv,
        "\xF0\x90\x80"sv, "\xF1\x80\x80\x7F"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv,
        "\xFF"sv}) {
    CAPTURE(text);
    CHECK(!sluice::detail::isUtf8(text));
  }
}

TEST_CASE("escapes are read in both cases, and what is none is refused", "[app][path]") {
  std::string out;
  CHECK(app::detail::appendDecoded(out, "%41%4a%4A+b"));
  CHECK(out == "AJJ+b");
  out.clear();
  CHECK(app::detail::appendDecoded(out, "a+b%2B", true));
  CHECK(out == "a b+");
  for (const auto text : {"%", "%4", "%g1", "%4g", "%4:", "%/1"}) {
    CAPTURE(text);
    CHECK(!app::detail::appendDecoded(out, text));
  }
}

TEST_CASE("what is escaped is read back as it was", "[app][path]") {
  CHECK(app::detail::percentEncoded("AZaz09-._~") == "AZaz09-._~");
  CHECK(app::detail::percentEncoded(" /@[`{\xC3\xA9:") == "%20%2F%40%5B%60%7B%C3%A9%3A");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  std::string out;
  REQUIRE(app::detail::appendDecoded(out, app::detail::percentEncoded(all)));
  CHECK(out == all);
}

TEST_CASE("a target has one path, and none that leads out", "[app][path]") {
  CHECK(decoded("/a/b") == "/a/b");
  CHECK(decoded("//a/%2e%2e/b") == "/b");
  CHECK(decoded("/a/./b/") == "/a/b/");
  CHECK(decoded("/a/..") == "/");
  CHECK(decoded("/../../a") == "/a");
  CHECK(decoded("") == "/");
  CHECK(decoded("*") == "*");
  CHECK(decoded("/a#b?c") == "/a");
  CHECK(decoded("http://host/a?b") == "/a");
  CHECK(decoded("http://host?b") == "/");
  CHECK(decoded("http://host") == "/");
  CHECK(decoded("/%c3%a9") == "/\xC3\xA9");
  for (const auto target : {"/%00"sv, "/a%"sv, "/%ff"sv, "/\xFF"sv, "/%c3"sv, "/..%2fa"sv,
                            "/a\\.."sv, "/a%2f."sv, "/\0"sv}) {
    CAPTURE(target);
    CHECK(decoded(target) == "refused");
  }
}

TEST_CASE("a query is what follows the first question mark", "[app][path]") {
  TargetPath path;
  REQUIRE(path.assign("http://host?b=1?2"));
  CHECK(path.query() == "b=1?2");
  REQUIRE(path.assign("/a%2fb"));
  CHECK(path.query().empty());
  CHECK(path.decoded() == "/a/b");
  CHECK(path.segments() ==
        "/a\xFF"
        "b"sv);
}

TEST_CASE("networks are trusted by name and by prefix", "[app][networks]") {
  const auto trusts = [](std::string network, std::string_view address) {
    return Networks({std::move(network)}).contains(address);
  };
  CHECK(trusts("loopback", "127.1.2.3"));
  CHECK(trusts("loopback", "::1"));
  CHECK(trusts("loopback", "::ffff:127.0.0.1"));
  CHECK(trusts("loopback", ""));
  CHECK(!trusts("loopback", "128.0.0.1"));
  CHECK(trusts("linklocal", "169.254.9.9"));
  CHECK(trusts("linklocal", "febf::1"));
  CHECK(!trusts("linklocal", "fec0::1"));
  for (const auto address : {"10.9.9.9", "172.31.0.1", "192.168.1.1", "fd00::1"}) {
    CAPTURE(address);
    CHECK(trusts("uniquelocal", address));
  }
  CHECK(!trusts("uniquelocal", "172.32.0.1"));
  CHECK(trusts("192.0.2.0/25", "192.0.2.127"));
  CHECK(!trusts("192.0.2.0/25", "192.0.2.128"));
  CHECK(trusts("192.0.2.1", "192.0.2.1"));
  CHECK(!trusts("192.0.2.1", "192.0.2.2"));
  CHECK(trusts("0.0.0.0/0", "1.2.3.4"));
  CHECK(!trusts("0.0.0.0/0", "2001:db8::1"));
  CHECK(!trusts("0.0.0.0/0", "unknown"));
  CHECK(Networks().empty());
  for (const auto text :
       {"", "here", "1.2.3.4/33", "::1/129", "1.2.3.4/", "1.2.3.4/8x", "1.2.3.4/x"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Networks({text}), http::Error);
  }
}

TEST_CASE("what is mounted from elsewhere is known by its path", "[app][mounts]") {
  const app::detail::MountTable table(
      "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
      "23 22 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
      "30 22 0:40 / /srv/files rw,relatime shared:1 master:2 - nfs4 server:/files rw,hard\n"
      "31 30 0:41 / /srv/files/local rw - tmpfs tmpfs rw\n"
      "32 22 0:42 / /mnt/with\\040blank rw - fuse.sshfs host: rw\n"
      "33 22 0:43 / /mnt/twice rw - cifs //host/share rw\n"
      "34 33 0:44 / /mnt/twice rw - tmpfs tmpfs rw\n"
      "malformed\n");
  CHECK(!table.isElsewhere("/"));
  CHECK(!table.isElsewhere("/srv"));
  CHECK(!table.isElsewhere("/srv/filesystem"));
  CHECK(table.isElsewhere("/srv/files"));
  CHECK(table.isElsewhere("/srv/files/a.txt"));
  CHECK(table.isElsewhere("/srv/files/locality"));
  CHECK(!table.isElsewhere("/srv/files/local/a.txt"));
  CHECK(table.isElsewhere("/mnt/with blank/a.txt"));
  CHECK(!table.isElsewhere("/mnt/twice/a.txt"));
  const app::detail::MountTable own(
      "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
      "23 22 0:21 / /tmp rw - tmpfs tmpfs rw\n");
  CHECK(!own.isElsewhere("/"));
  CHECK(!own.isElsewhere("/tmp/a.txt"));
  const app::detail::MountTable root("22 1 0:20 / / rw - nfs server:/root rw\n");
  CHECK(root.isElsewhere("/a.txt"));
  CHECK(app::detail::MountTable("").isElsewhere("/a.txt"));
}

TEST_CASE("one host has a whole /64 of IPv6 to rateLimit()", "[app][plain]") {
  app::RateLimitOptions options;
  options.limit = 1;
  options.headers = false;
  Router router;
  std::string peer;
  router.use([&](Request& req, Response&, app::Next next) -> task<> {
    peer = req.socket().remoteAddress();
    return next();
  });
  router.use(app::rateLimit(options));
  router.all("/*path", [](Request&, Response& res) -> task<> { co_await res.end("answer"); });
  const auto as = [&](std::string address) {
    return sluice::test::inject(router, {.url = "/x", .headers = {{"X-Forwarded-For", address}}});
  };
  CHECK(as("2001:db8::1").statusCode == 200);
  router.trustProxy({peer});
  CHECK(as("2001:db8::1").statusCode == 200);
  CHECK(as("2001:db8::2").statusCode == 429);
  CHECK(as("2001:db8:0:1::1").statusCode == 200);
  CHECK(as("::ffff:192.0.2.1").statusCode == 200);
  CHECK(as("::ffff:192.0.2.2").statusCode == 200);
  CHECK(as("192.0.2.3").statusCode == 200);
  CHECK(as("192.0.2.3").statusCode == 429);
}

TEST_CASE("the names that metrics() tells cannot end their quotes", "[app][plain]") {
  app::Metrics metrics = app::metrics();
  asio::io_context io;
  http::Agent agent(io);
  metrics.watch("a\"b\\c\nd", agent);
  CHECK(metrics.text().find("agent=\"a\\\"b\\\\c\\nd\"") != std::string::npos);
}
