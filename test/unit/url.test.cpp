// SPDX-License-Identifier: BSL-1.0
//
// http::URL and http::URLSearchParams. What Node prints for each row of the tables is their
// expectation; the tests behind them are the promises of our own: messages, limits, edits, values.
#include <sluice/error.hpp>
#include <sluice/url.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#include "support/catch.hpp"

using namespace std::literals;
using sluice::http::Error;
using sluice::http::URL;
using sluice::http::URLSearchParams;

namespace {

// `base` is "" where there is none.
struct Valid {
  std::string_view input, base, href, origin, protocol, username, password, host, hostname, port,
      pathname, search, hash;
};

constexpr Valid validURLs[] = {
    {"g:h", "http://a/b/c/d;p?q", "g:h", "null", "g:", "", "", "", "", "", "h", "", ""},
    {"g", "http://a/b/c/d;p?q", "http://a/b/c/g", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g", "", ""},
    {"./g", "http://a/b/c/d;p?q", "http://a/b/c/g", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g", "", ""},
    {"g/", "http://a/b/c/d;p?q", "http://a/b/c/g/", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g/", "", ""},
    {"/g", "http://a/b/c/d;p?q", "http://a/g", "http://a", "http:", "", "", "a", "a", "", "/g", "",
     ""},
    {"//g", "http://a/b/c/d;p?q", "http://g/", "http://g", "http:", "", "", "g", "g", "", "/", "",
     ""},
    {"?y", "http://a/b/c/d;p?q", "http://a/b/c/d;p?y", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/d;p", "?y", ""},
    {"g?y", "http://a/b/c/d;p?q", "http://a/b/c/g?y", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g", "?y", ""},
    {"#s", "http://a/b/c/d;p?q", "http://a/b/c/d;p?q#s", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/d;p", "?q", "#s"},
    {"g#s", "http://a/b/c/d;p?q", "http://a/b/c/g#s", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g", "", "#s"},
    {"g?y#s", "http://a/b/c/d;p?q", "http://a/b/c/g?y#s", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g", "?y", "#s"},
    {";x", "http://a/b/c/d;p?q", "http://a/b/c/;x", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/;x", "", ""},
    {"g;x", "http://a/b/c/d;p?q", "http://a/b/c/g;x", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g;x", "", ""},
    {"g;x?y#s", "http://a/b/c/d;p?q", "http://a/b/c/g;x?y#s", "http://a", "http:", "", "", "a", "a",
     "", "/b/c/g;x", "?y", "#s"},
    {"", "http://a/b/c/d;p?q", "http://a/b/c/d;p?q", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/d;p", "?q", ""},
    {".", "http://a/b/c/d;p?q", "http://a/b/c/", "http://a", "http:", "", "", "a", "a", "", "/b/c/",
     "", ""},
    {"./", "http://a/b/c/d;p?q", "http://a/b/c/", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/", "", ""},
    {"..", "http://a/b/c/d;p?q", "http://a/b/", "http://a", "http:", "", "", "a", "a", "", "/b/",
     "", ""},
    {"../", "http://a/b/c/d;p?q", "http://a/b/", "http://a", "http:", "", "", "a", "a", "", "/b/",
     "", ""},
    {"../g", "http://a/b/c/d;p?q", "http://a/b/g", "http://a", "http:", "", "", "a", "a", "",
     "/b/g", "", ""},
    {"../..", "http://a/b/c/d;p?q", "http://a/", "http://a", "http:", "", "", "a", "a", "", "/", "",
     ""},
    {"../../", "http://a/b/c/d;p?q", "http://a/", "http://a", "http:", "", "", "a", "a", "", "/",
     "", ""},
    {"../../g", "http://a/b/c/d;p?q", "http://a/g", "http://a", "http:", "", "", "a", "a", "", "/g",
     "", ""},
    {"../../../g", "http://a/b/c/d;p?q", "http://a/g", "http://a", "http:", "", "", "a", "a", "",
     "/g", "", ""},
    {"../../../../g", "http://a/b/c/d;p?q", "http://a/g", "http://a", "http:", "", "", "a", "a", "",
     "/g", "", ""},
    {"/./g", "http://a/b/c/d;p?q", "http://a/g", "http://a", "http:", "", "", "a", "a", "", "/g",
     "", ""},
    {"/../g", "http://a/b/c/d;p?q", "http://a/g", "http://a", "http:", "", "", "a", "a", "", "/g",
     "", ""},
    {"g.", "http://a/b/c/d;p?q", "http://a/b/c/g.", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g.", "", ""},
    {".g", "http://a/b/c/d;p?q", "http://a/b/c/.g", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/.g", "", ""},
    {"g..", "http://a/b/c/d;p?q", "http://a/b/c/g..", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g..", "", ""},
    {"..g", "http://a/b/c/d;p?q", "http://a/b/c/..g", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/..g", "", ""},
    {"./../g", "http://a/b/c/d;p?q", "http://a/b/g", "http://a", "http:", "", "", "a", "a", "",
     "/b/g", "", ""},
    {"./g/.", "http://a/b/c/d;p?q", "http://a/b/c/g/", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g/", "", ""},
    {"g/./h", "http://a/b/c/d;p?q", "http://a/b/c/g/h", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g/h", "", ""},
    {"g/../h", "http://a/b/c/d;p?q", "http://a/b/c/h", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/h", "", ""},
    {"g;x=1/./y", "http://a/b/c/d;p?q", "http://a/b/c/g;x=1/y", "http://a", "http:", "", "", "a",
     "a", "", "/b/c/g;x=1/y", "", ""},
    {"g;x=1/../y", "http://a/b/c/d;p?q", "http://a/b/c/y", "http://a", "http:", "", "", "a", "a",
     "", "/b/c/y", "", ""},
    {"g?y/./x", "http://a/b/c/d;p?q", "http://a/b/c/g?y/./x", "http://a", "http:", "", "", "a", "a",
     "", "/b/c/g", "?y/./x", ""},
    {"g?y/../x", "http://a/b/c/d;p?q", "http://a/b/c/g?y/../x", "http://a", "http:", "", "", "a",
     "a", "", "/b/c/g", "?y/../x", ""},
    {"g#s/./x", "http://a/b/c/d;p?q", "http://a/b/c/g#s/./x", "http://a", "http:", "", "", "a", "a",
     "", "/b/c/g", "", "#s/./x"},
    {"g#s/../x", "http://a/b/c/d;p?q", "http://a/b/c/g#s/../x", "http://a", "http:", "", "", "a",
     "a", "", "/b/c/g", "", "#s/../x"},
    {"http:g", "http://a/b/c/d;p?q", "http://a/b/c/g", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g", "", ""},
    {"https:g", "http://a/b/c/d;p?q", "https://g/", "https://g", "https:", "", "", "g", "g", "",
     "/", "", ""},
    {"HTTP:g", "http://a/b/c/d;p?q", "http://a/b/c/g", "http://a", "http:", "", "", "a", "a", "",
     "/b/c/g", "", ""},
    {"http://example.com", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://example.com/", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"HTTP://EXAMPLE.COM/Path/To", "", "http://example.com/Path/To", "http://example.com",
     "http:", "", "", "example.com", "example.com", "", "/Path/To", "", ""},
    {"https://example.com:443/", "", "https://example.com/", "https://example.com", "https:", "",
     "", "example.com", "example.com", "", "/", "", ""},
    {"https://example.com:8443/x", "", "https://example.com:8443/x", "https://example.com:8443",
     "https:", "", "", "example.com:8443", "example.com", "8443", "/x", "", ""},
    {"http://example.com:80", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://example.com:080/", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://example.com:0/", "", "http://example.com:0/", "http://example.com:0", "http:", "", "",
     "example.com:0", "example.com", "0", "/", "", ""},
    {"http://example.com:65535/", "", "http://example.com:65535/", "http://example.com:65535",
     "http:", "", "", "example.com:65535", "example.com", "65535", "/", "", ""},
    {"http://example.com:/", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"ws://example.com:80/chat", "", "ws://example.com/chat", "ws://example.com", "ws:", "", "",
     "example.com", "example.com", "", "/chat", "", ""},
    {"ws://example.com:443/chat", "", "ws://example.com:443/chat", "ws://example.com:443",
     "ws:", "", "", "example.com:443", "example.com", "443", "/chat", "", ""},
    {"wss://example.com:443/chat", "", "wss://example.com/chat", "wss://example.com", "wss:", "",
     "", "example.com", "example.com", "", "/chat", "", ""},
    {"wss://example.com:80/chat", "", "wss://example.com:80/chat", "wss://example.com:80",
     "wss:", "", "", "example.com:80", "example.com", "80", "/chat", "", ""},
    {"ftp://example.com:21/", "", "ftp://example.com/", "ftp://example.com", "ftp:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"ftp://example.com:22/", "", "ftp://example.com:22/", "ftp://example.com:22", "ftp:", "", "",
     "example.com:22", "example.com", "22", "/", "", ""},
    {"http:example.com", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http:/example.com", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http:///example.com", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http:////example.com", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http:\\example.com\\a\\b", "", "http://example.com/a/b", "http://example.com", "http:", "",
     "", "example.com", "example.com", "", "/a/b", "", ""},
    {"http:/\\example.com/a\\b?c\\d#e\\f", "", "http://example.com/a/b?c\\d#e\\f",
     "http://example.com", "http:", "", "", "example.com", "example.com", "", "/a/b", "?c\\d",
     "#e\\f"},
    {"http://user@example.com/", "", "http://user@example.com/", "http://example.com",
     "http:", "user", "", "example.com", "example.com", "", "/", "", ""},
    {"http://user:pass@example.com/", "", "http://user:pass@example.com/", "http://example.com",
     "http:", "user", "pass", "example.com", "example.com", "", "/", "", ""},
    {"http://:pass@example.com/", "", "http://:pass@example.com/", "http://example.com",
     "http:", "", "pass", "example.com", "example.com", "", "/", "", ""},
    {"http://user:@example.com/", "", "http://user@example.com/", "http://example.com",
     "http:", "user", "", "example.com", "example.com", "", "/", "", ""},
    {"http://:@example.com/", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://@example.com/", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://a@b@example.com/", "", "http://a%40b@example.com/", "http://example.com",
     "http:", "a%40b", "", "example.com", "example.com", "", "/", "", ""},
    {"http://a:b@c:d@example.com/", "", "http://a:b%40c%3Ad@example.com/", "http://example.com",
     "http:", "a", "b%40c%3Ad", "example.com", "example.com", "", "/", "", ""},
    {"http://a:b:c@example.com/", "", "http://a:b%3Ac@example.com/", "http://example.com",
     "http:", "a", "b%3Ac", "example.com", "example.com", "", "/", "", ""},
    {"http://us%20er:pa%3ass@example.com/", "", "http://us%20er:pa%3ass@example.com/",
     "http://example.com", "http:", "us%20er", "pa%3ass", "example.com", "example.com", "", "/", "",
     ""},
    {"http://u:[]^|{};='@example.com/", "", "http://u:%5B%5D%5E%7C%7B%7D%3B%3D'@example.com/",
     "http://example.com", "http:", "u", "%5B%5D%5E%7C%7B%7D%3B%3D'", "example.com", "example.com",
     "", "/", "", ""},
    {"http://u\\p@example.com/", "", "http://u/p@example.com/", "http://u", "http:", "", "", "u",
     "u", "", "/p@example.com/", "", ""},
    {"http://example.com?", "", "http://example.com/?", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://example.com#", "", "http://example.com/#", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://example.com?#", "", "http://example.com/?#", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://example.com/?#", "", "http://example.com/?#", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://example.com?a=b", "", "http://example.com/?a=b", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "?a=b", ""},
    {"http://example.com#frag", "", "http://example.com/#frag", "http://example.com", "http:", "",
     "", "example.com", "example.com", "", "/", "", "#frag"},
    {"http://example.com?a#b?c#d", "", "http://example.com/?a#b?c#d", "http://example.com",
     "http:", "", "", "example.com", "example.com", "", "/", "?a", "#b?c#d"},
    {"http://example.com/a?b?c", "", "http://example.com/a?b?c", "http://example.com", "http:", "",
     "", "example.com", "example.com", "", "/a", "?b?c", ""},
    {"http://exa%6dple.com/", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://EXA%4DPLE.com/", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://%65xample.com/", "", "http://example.com/", "http://example.com", "http:", "", "",
     "example.com", "example.com", "", "/", "", ""},
    {"http://a\"b/", "", "http://a\"b/", "http://a\"b", "http:", "", "", "a\"b", "a\"b", "", "/",
     "", ""},
    {"http://a`b/", "", "http://a`b/", "http://a`b", "http:", "", "", "a`b", "a`b", "", "/", "",
     ""},
    {"http://a{b}/", "", "http://a{b}/", "http://a{b}", "http:", "", "", "a{b}", "a{b}", "", "/",
     "", ""},
    {"http://a'b/", "", "http://a'b/", "http://a'b", "http:", "", "", "a'b", "a'b", "", "/", "",
     ""},
    {"http://a!b$c&d*e(f)g,h;i=j+k~l/", "", "http://a!b$c&d*e(f)g,h;i=j+k~l/",
     "http://a!b$c&d*e(f)g,h;i=j+k~l", "http:", "", "", "a!b$c&d*e(f)g,h;i=j+k~l",
     "a!b$c&d*e(f)g,h;i=j+k~l", "", "/", "", ""},
    {"http://a_b-c/", "", "http://a_b-c/", "http://a_b-c", "http:", "", "", "a_b-c", "a_b-c", "",
     "/", "", ""},
    {"http://-a-/", "", "http://-a-/", "http://-a-", "http:", "", "", "-a-", "-a-", "", "/", "",
     ""},
    {"http://a..b/", "", "http://a..b/", "http://a..b", "http:", "", "", "a..b", "a..b", "", "/",
     "", ""},
    {"http://a./", "", "http://a./", "http://a.", "http:", "", "", "a.", "a.", "", "/", "", ""},
    {"http://./", "", "http://./", "http://.", "http:", "", "", ".", ".", "", "/", "", ""},
    {"http://../", "", "http://../", "http://..", "http:", "", "", "..", "..", "", "/", "", ""},
    {"http://.a/", "", "http://.a/", "http://.a", "http:", "", "", ".a", ".a", "", "/", "", ""},
    {"http://a.b.c.d.e.f/", "", "http://a.b.c.d.e.f/", "http://a.b.c.d.e.f", "http:", "", "",
     "a.b.c.d.e.f", "a.b.c.d.e.f", "", "/", "", ""},
    {"http://0/", "", "http://0.0.0.0/", "http://0.0.0.0", "http:", "", "", "0.0.0.0", "0.0.0.0",
     "", "/", "", ""},
    {"http://1/", "", "http://0.0.0.1/", "http://0.0.0.1", "http:", "", "", "0.0.0.1", "0.0.0.1",
     "", "/", "", ""},
    {"http://127.0.0.1/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "", "127.0.0.1",
     "127.0.0.1", "", "/", "", ""},
    {"http://127.1/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "", "127.0.0.1",
     "127.0.0.1", "", "/", "", ""},
    {"http://127.0.1/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "", "127.0.0.1",
     "127.0.0.1", "", "/", "", ""},
    {"http://0x7f.1/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "", "127.0.0.1",
     "127.0.0.1", "", "/", "", ""},
    {"http://0x7F000001/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "",
     "127.0.0.1", "127.0.0.1", "", "/", "", ""},
    {"http://0X7f.0x0.0x0.0x1/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "",
     "127.0.0.1", "127.0.0.1", "", "/", "", ""},
    {"http://0177.0.0.01/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "",
     "127.0.0.1", "127.0.0.1", "", "/", "", ""},
    {"http://2130706433/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "",
     "127.0.0.1", "127.0.0.1", "", "/", "", ""},
    {"http://4294967295/", "", "http://255.255.255.255/", "http://255.255.255.255", "http:", "", "",
     "255.255.255.255", "255.255.255.255", "", "/", "", ""},
    {"http://1.1.256/", "", "http://1.1.1.0/", "http://1.1.1.0", "http:", "", "", "1.1.1.0",
     "1.1.1.0", "", "/", "", ""},
    {"http://1.1.65535/", "", "http://1.1.255.255/", "http://1.1.255.255", "http:", "", "",
     "1.1.255.255", "1.1.255.255", "", "/", "", ""},
    {"http://1.16777215/", "", "http://1.255.255.255/", "http://1.255.255.255", "http:", "", "",
     "1.255.255.255", "1.255.255.255", "", "/", "", ""},
    {"http://1.2.3.4./", "", "http://1.2.3.4/", "http://1.2.3.4", "http:", "", "", "1.2.3.4",
     "1.2.3.4", "", "/", "", ""},
    {"http://1.2.3.4../", "", "http://1.2.3.4../", "http://1.2.3.4..", "http:", "", "", "1.2.3.4..",
     "1.2.3.4..", "", "/", "", ""},
    {"http://1.2.3.0x/", "", "http://1.2.3.0/", "http://1.2.3.0", "http:", "", "", "1.2.3.0",
     "1.2.3.0", "", "/", "", ""},
    {"http://0x/", "", "http://0.0.0.0/", "http://0.0.0.0", "http:", "", "", "0.0.0.0", "0.0.0.0",
     "", "/", "", ""},
    {"http://0x./", "", "http://0.0.0.0/", "http://0.0.0.0", "http:", "", "", "0.0.0.0", "0.0.0.0",
     "", "/", "", ""},
    {"http://0xg/", "", "http://0xg/", "http://0xg", "http:", "", "", "0xg", "0xg", "", "/", "",
     ""},
    {"http://a.0xg/", "", "http://a.0xg/", "http://a.0xg", "http:", "", "", "a.0xg", "a.0xg", "",
     "/", "", ""},
    {"http://a.1a/", "", "http://a.1a/", "http://a.1a", "http:", "", "", "a.1a", "a.1a", "", "/",
     "", ""},
    {"http://1a/", "", "http://1a/", "http://1a", "http:", "", "", "1a", "1a", "", "/", "", ""},
    {"http://1.2.3.a/", "", "http://1.2.3.a/", "http://1.2.3.a", "http:", "", "", "1.2.3.a",
     "1.2.3.a", "", "/", "", ""},
    {"http://00/", "", "http://0.0.0.0/", "http://0.0.0.0", "http:", "", "", "0.0.0.0", "0.0.0.0",
     "", "/", "", ""},
    {"http://%31%32%37.1/", "", "http://127.0.0.1/", "http://127.0.0.1", "http:", "", "",
     "127.0.0.1", "127.0.0.1", "", "/", "", ""},
    {"http://1.2.3.4:80/", "", "http://1.2.3.4/", "http://1.2.3.4", "http:", "", "", "1.2.3.4",
     "1.2.3.4", "", "/", "", ""},
    {"http://127.0.0.1:3000/x", "", "http://127.0.0.1:3000/x", "http://127.0.0.1:3000", "http:", "",
     "", "127.0.0.1:3000", "127.0.0.1", "3000", "/x", "", ""},
    {"http://[::]/", "", "http://[::]/", "http://[::]", "http:", "", "", "[::]", "[::]", "", "/",
     "", ""},
    {"http://[::1]/", "", "http://[::1]/", "http://[::1]", "http:", "", "", "[::1]", "[::1]", "",
     "/", "", ""},
    {"http://[::1]:80/", "", "http://[::1]/", "http://[::1]", "http:", "", "", "[::1]", "[::1]", "",
     "/", "", ""},
    {"http://[::1]:3000/", "", "http://[::1]:3000/", "http://[::1]:3000", "http:", "", "",
     "[::1]:3000", "[::1]", "3000", "/", "", ""},
    {"https://[2001:db8::1]:443/", "", "https://[2001:db8::1]/", "https://[2001:db8::1]",
     "https:", "", "", "[2001:db8::1]", "[2001:db8::1]", "", "/", "", ""},
    {"http://[2001:DB8:0:0:0:0:0:1]/", "", "http://[2001:db8::1]/", "http://[2001:db8::1]",
     "http:", "", "", "[2001:db8::1]", "[2001:db8::1]", "", "/", "", ""},
    {"http://[2001:db8:0:1:1:1:1:1]/", "", "http://[2001:db8:0:1:1:1:1:1]/",
     "http://[2001:db8:0:1:1:1:1:1]", "http:", "", "", "[2001:db8:0:1:1:1:1:1]",
     "[2001:db8:0:1:1:1:1:1]", "", "/", "", ""},
    {"http://[2001:0:0:1:0:0:0:1]/", "", "http://[2001:0:0:1::1]/", "http://[2001:0:0:1::1]",
     "http:", "", "", "[2001:0:0:1::1]", "[2001:0:0:1::1]", "", "/", "", ""},
    {"http://[2001:db8:0:0:1:0:0:1]/", "", "http://[2001:db8::1:0:0:1]/",
     "http://[2001:db8::1:0:0:1]", "http:", "", "", "[2001:db8::1:0:0:1]", "[2001:db8::1:0:0:1]",
     "", "/", "", ""},
    {"http://[1:0:0:0:0:0:0:0]/", "", "http://[1::]/", "http://[1::]", "http:", "", "", "[1::]",
     "[1::]", "", "/", "", ""},
    {"http://[0:0:0:0:0:0:0:1]/", "", "http://[::1]/", "http://[::1]", "http:", "", "", "[::1]",
     "[::1]", "", "/", "", ""},
    {"http://[1:2:3:4:5:6:7:8]/", "", "http://[1:2:3:4:5:6:7:8]/", "http://[1:2:3:4:5:6:7:8]",
     "http:", "", "", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", "", "/", "", ""},
    {"http://[1:2:3:4:5:6:7::]/", "", "http://[1:2:3:4:5:6:7:0]/", "http://[1:2:3:4:5:6:7:0]",
     "http:", "", "", "[1:2:3:4:5:6:7:0]", "[1:2:3:4:5:6:7:0]", "", "/", "", ""},
    {"http://[::2:3:4:5:6:7:8]/", "", "http://[0:2:3:4:5:6:7:8]/", "http://[0:2:3:4:5:6:7:8]",
     "http:", "", "", "[0:2:3:4:5:6:7:8]", "[0:2:3:4:5:6:7:8]", "", "/", "", ""},
    {"http://[1::8]/", "", "http://[1::8]/", "http://[1::8]", "http:", "", "", "[1::8]", "[1::8]",
     "", "/", "", ""},
    {"http://[1:2::7:8]/", "", "http://[1:2::7:8]/", "http://[1:2::7:8]", "http:", "", "",
     "[1:2::7:8]", "[1:2::7:8]", "", "/", "", ""},
    {"http://[::ffff:1.2.3.4]/", "", "http://[::ffff:102:304]/", "http://[::ffff:102:304]",
     "http:", "", "", "[::ffff:102:304]", "[::ffff:102:304]", "", "/", "", ""},
    {"http://[::1.2.3.4]/", "", "http://[::102:304]/", "http://[::102:304]", "http:", "", "",
     "[::102:304]", "[::102:304]", "", "/", "", ""},
    {"http://[1:2:3:4:5:6:1.2.3.4]/", "", "http://[1:2:3:4:5:6:102:304]/",
     "http://[1:2:3:4:5:6:102:304]", "http:", "", "", "[1:2:3:4:5:6:102:304]",
     "[1:2:3:4:5:6:102:304]", "", "/", "", ""},
    {"http://[::1]:", "", "http://[::1]/", "http://[::1]", "http:", "", "", "[::1]", "[::1]", "",
     "/", "", ""},
    {"http://[::1]:/", "", "http://[::1]/", "http://[::1]", "http:", "", "", "[::1]", "[::1]", "",
     "/", "", ""},
    {"http://u:p@[::1]:8080/x?y#z", "", "http://u:p@[::1]:8080/x?y#z", "http://[::1]:8080",
     "http:", "u", "p", "[::1]:8080", "[::1]", "8080", "/x", "?y", "#z"},
    {"http://h/a/./b", "", "http://h/a/b", "http://h", "http:", "", "", "h", "h", "", "/a/b", "",
     ""},
    {"http://h/a/../b", "", "http://h/b", "http://h", "http:", "", "", "h", "h", "", "/b", "", ""},
    {"http://h/a/b/..", "", "http://h/a/", "http://h", "http:", "", "", "h", "h", "", "/a/", "",
     ""},
    {"http://h/a/b/.", "", "http://h/a/b/", "http://h", "http:", "", "", "h", "h", "", "/a/b/", "",
     ""},
    {"http://h/..", "", "http://h/", "http://h", "http:", "", "", "h", "h", "", "/", "", ""},
    {"http://h/../../x", "", "http://h/x", "http://h", "http:", "", "", "h", "h", "", "/x", "", ""},
    {"http://h/a//../b", "", "http://h/a/b", "http://h", "http:", "", "", "h", "h", "", "/a/b", "",
     ""},
    {"http://h/a///b", "", "http://h/a///b", "http://h", "http:", "", "", "h", "h", "", "/a///b",
     "", ""},
    {"http://h//", "", "http://h//", "http://h", "http:", "", "", "h", "h", "", "//", "", ""},
    {"http://h//a", "", "http://h//a", "http://h", "http:", "", "", "h", "h", "", "//a", "", ""},
    {"http://h/.//a", "", "http://h//a", "http://h", "http:", "", "", "h", "h", "", "//a", "", ""},
    {"http://h/%2e/a", "", "http://h/a", "http://h", "http:", "", "", "h", "h", "", "/a", "", ""},
    {"http://h/a/%2e%2e/b", "", "http://h/b", "http://h", "http:", "", "", "h", "h", "", "/b", "",
     ""},
    {"http://h/a/.%2E/b", "", "http://h/b", "http://h", "http:", "", "", "h", "h", "", "/b", "",
     ""},
    {"http://h/a/%2E./b", "", "http://h/b", "http://h", "http:", "", "", "h", "h", "", "/b", "",
     ""},
    {"http://h/a/%2e%2", "", "http://h/a/%2e%2", "http://h", "http:", "", "", "h", "h", "",
     "/a/%2e%2", "", ""},
    {"http://h/a/...", "", "http://h/a/...", "http://h", "http:", "", "", "h", "h", "", "/a/...",
     "", ""},
    {"http://h/a/..b", "", "http://h/a/..b", "http://h", "http:", "", "", "h", "h", "", "/a/..b",
     "", ""},
    {"http://h/a/b..", "", "http://h/a/b..", "http://h", "http:", "", "", "h", "h", "", "/a/b..",
     "", ""},
    {"http://h/a/%2e%2e%2e/b", "", "http://h/a/%2e%2e%2e/b", "http://h", "http:", "", "", "h", "h",
     "", "/a/%2e%2e%2e/b", "", ""},
    {"http://h/a\\..\\b", "", "http://h/b", "http://h", "http:", "", "", "h", "h", "", "/b", "",
     ""},
    {"http://h/a%2f..%2fb", "", "http://h/a%2f..%2fb", "http://h", "http:", "", "", "h", "h", "",
     "/a%2f..%2fb", "", ""},
    {"http://h/a b", "", "http://h/a%20b", "http://h", "http:", "", "", "h", "h", "", "/a%20b", "",
     ""},
    {"http://h/a%20b", "", "http://h/a%20b", "http://h", "http:", "", "", "h", "h", "", "/a%20b",
     "", ""},
    {"http://h/a%zzb%", "", "http://h/a%zzb%", "http://h", "http:", "", "", "h", "h", "", "/a%zzb%",
     "", ""},
    {"http://h/\"<>`{}^|\\'", "", "http://h/%22%3C%3E%60%7B%7D^|/'", "http://h", "http:", "", "",
     "h", "h", "", "/%22%3C%3E%60%7B%7D^|/'", "", ""},
    {"http://h/?\"<>`{}^|\\'", "", "http://h/?%22%3C%3E`{}^|\\%27", "http://h", "http:", "", "",
     "h", "h", "", "/", "?%22%3C%3E`{}^|\\%27", ""},
    {"http://h/#\"<>`{}^|\\'", "", "http://h/#%22%3C%3E%60{}^|\\'", "http://h", "http:", "", "",
     "h", "h", "", "/", "", "#%22%3C%3E%60{}^|\\'"},
    {"http://h/a;b=c,d:e@f!g$h&i'j(k)*+", "", "http://h/a;b=c,d:e@f!g$h&i'j(k)*+", "http://h",
     "http:", "", "", "h", "h", "", "/a;b=c,d:e@f!g$h&i'j(k)*+", "", ""},
    {"http://h/~_-.", "", "http://h/~_-.", "http://h", "http:", "", "", "h", "h", "", "/~_-.", "",
     ""},
    {"http://h/[x]", "", "http://h/[x]", "http://h", "http:", "", "", "h", "h", "", "/[x]", "", ""},
    {"http://h/?[x]=1&y[]=2", "", "http://h/?[x]=1&y[]=2", "http://h", "http:", "", "", "h", "h",
     "", "/", "?[x]=1&y[]=2", ""},
    {"http://h/?a=1&a=2&b", "", "http://h/?a=1&a=2&b", "http://h", "http:", "", "", "h", "h", "",
     "/", "?a=1&a=2&b", ""},
    {"http://h/?=&==&a=&=b", "", "http://h/?=&==&a=&=b", "http://h", "http:", "", "", "h", "h", "",
     "/", "?=&==&a=&=b", ""},
    {"http://h/?a+b=c%20d%2Be", "", "http://h/?a+b=c%20d%2Be", "http://h", "http:", "", "", "h",
     "h", "", "/", "?a+b=c%20d%2Be", ""},
    {"http://h/?&&a&&", "", "http://h/?&&a&&", "http://h", "http:", "", "", "h", "h", "", "/",
     "?&&a&&", ""},
    {"http://h/?%", "", "http://h/?%", "http://h", "http:", "", "", "h", "h", "", "/", "?%", ""},
    {"http://h/?a=%zz", "", "http://h/?a=%zz", "http://h", "http:", "", "", "h", "h", "", "/",
     "?a=%zz", ""},
    {"http://h/?%41=%42", "", "http://h/?%41=%42", "http://h", "http:", "", "", "h", "h", "", "/",
     "?%41=%42", ""},
    {"http://h/?q='", "", "http://h/?q=%27", "http://h", "http:", "", "", "h", "h", "", "/",
     "?q=%27", ""},
    {"ws://h/?q='", "", "ws://h/?q=%27", "ws://h", "ws:", "", "", "h", "h", "", "/", "?q=%27", ""},
    {"foo://h/?q='", "", "foo://h/?q='", "null", "foo:", "", "", "h", "h", "", "/", "?q='", ""},
    {"http://h/?a=b#c=d", "", "http://h/?a=b#c=d", "http://h", "http:", "", "", "h", "h", "", "/",
     "?a=b", "#c=d"},
    {"http://h/\303\251", "", "http://h/%C3%A9", "http://h", "http:", "", "", "h", "h", "",
     "/%C3%A9", "", ""},
    {"http://h/?\303\251", "", "http://h/?%C3%A9", "http://h", "http:", "", "", "h", "h", "", "/",
     "?%C3%A9", ""},
    {"http://h/#\303\251", "", "http://h/#%C3%A9", "http://h", "http:", "", "", "h", "h", "", "/",
     "", "#%C3%A9"},
    {"http://h/\346\227\245\346\234\254\350\252\236/"
     "\360\237\230\200?\360\237\230\200#\360\237\230\200",
     "", "http://h/%E6%97%A5%E6%9C%AC%E8%AA%9E/%F0%9F%98%80?%F0%9F%98%80#%F0%9F%98%80", "http://h",
     "http:", "", "", "h", "h", "", "/%E6%97%A5%E6%9C%AC%E8%AA%9E/%F0%9F%98%80", "?%F0%9F%98%80",
     "#%F0%9F%98%80"},
    {"http://\303\251@h/", "", "http://%C3%A9@h/", "http://h", "http:", "%C3%A9", "", "h", "h", "",
     "/", "", ""},
    {"http://u:\360\237\230\200@h/", "", "http://u:%F0%9F%98%80@h/", "http://h", "http:", "u",
     "%F0%9F%98%80", "h", "h", "", "/", "", ""},
    {"http://xn--9ca.com/", "", "http://xn--9ca.com/", "http://xn--9ca.com", "http:", "", "",
     "xn--9ca.com", "xn--9ca.com", "", "/", "", ""},
    {"http://h/\177?\177#\177", "", "http://h/%7F?%7F#%7F", "http://h", "http:", "", "", "h", "h",
     "", "/%7F", "?%7F", "#%7F"},
    {"http://h/\001?\001#\001", "", "http://h/%01?%01#", "http://h", "http:", "", "", "h", "h", "",
     "/%01", "?%01", ""},
    {"foo:bar", "", "foo:bar", "null", "foo:", "", "", "", "", "", "bar", "", ""},
    {"foo:bar?q#f", "", "foo:bar?q#f", "null", "foo:", "", "", "", "", "", "bar", "?q", "#f"},
    {"foo:", "", "foo:", "null", "foo:", "", "", "", "", "", "", "", ""},
    {"foo:?", "", "foo:?", "null", "foo:", "", "", "", "", "", "", "", ""},
    {"foo:#", "", "foo:#", "null", "foo:", "", "", "", "", "", "", "", ""},
    {"foo:?q", "", "foo:?q", "null", "foo:", "", "", "", "", "", "", "?q", ""},
    {"foo:a b", "", "foo:a b", "null", "foo:", "", "", "", "", "", "a b", "", ""},
    {"foo:a/../b", "", "foo:a/../b", "null", "foo:", "", "", "", "", "", "a/../b", "", ""},
    {"foo:%41\303\251\001", "", "foo:%41%C3%A9", "null", "foo:", "", "", "", "", "", "%41%C3%A9",
     "", ""},
    {"foo:a\\b", "", "foo:a\\b", "null", "foo:", "", "", "", "", "", "a\\b", "", ""},
    {"foo:a\"<>`{}", "", "foo:a\"<>`{}", "null", "foo:", "", "", "", "", "", "a\"<>`{}", "", ""},
    {"foo:/bar", "", "foo:/bar", "null", "foo:", "", "", "", "", "", "/bar", "", ""},
    {"foo:/a/../b", "", "foo:/b", "null", "foo:", "", "", "", "", "", "/b", "", ""},
    {"foo:/a/./b/..", "", "foo:/a/", "null", "foo:", "", "", "", "", "", "/a/", "", ""},
    {"foo:/..//b", "", "foo:/.//b", "null", "foo:", "", "", "", "", "", "//b", "", ""},
    {"foo:/.//b", "", "foo:/.//b", "null", "foo:", "", "", "", "", "", "//b", "", ""},
    {"foo:/.", "", "foo:/", "null", "foo:", "", "", "", "", "", "/", "", ""},
    {"foo:/", "", "foo:/", "null", "foo:", "", "", "", "", "", "/", "", ""},
    {"foo://", "", "foo://", "null", "foo:", "", "", "", "", "", "", "", ""},
    {"foo:///", "", "foo:///", "null", "foo:", "", "", "", "", "", "/", "", ""},
    {"foo:///x", "", "foo:///x", "null", "foo:", "", "", "", "", "", "/x", "", ""},
    {"foo:////x", "", "foo:////x", "null", "foo:", "", "", "", "", "", "//x", "", ""},
    {"foo://h", "", "foo://h", "null", "foo:", "", "", "h", "h", "", "", "", ""},
    {"foo://h/", "", "foo://h/", "null", "foo:", "", "", "h", "h", "", "/", "", ""},
    {"foo://h?q", "", "foo://h?q", "null", "foo:", "", "", "h", "h", "", "", "?q", ""},
    {"foo://h#f", "", "foo://h#f", "null", "foo:", "", "", "h", "h", "", "", "", "#f"},
    {"foo://H%41%zz/", "", "foo://H%41%zz/", "null", "foo:", "", "", "H%41%zz", "H%41%zz", "", "/",
     "", ""},
    {"foo://H:80/", "", "foo://H:80/", "null", "foo:", "", "", "H:80", "H", "80", "/", "", ""},
    {"foo://h:/", "", "foo://h/", "null", "foo:", "", "", "h", "h", "", "/", "", ""},
    {"foo://u:p@h:1/x", "", "foo://u:p@h:1/x", "null", "foo:", "u", "p", "h:1", "h", "1", "/x", "",
     ""},
    {"foo://h/a\\..\\b", "", "foo://h/a\\..\\b", "null", "foo:", "", "", "h", "h", "", "/a\\..\\b",
     "", ""},
    {"foo://\303\251/", "", "foo://%C3%A9/", "null", "foo:", "", "", "%C3%A9", "%C3%A9", "", "/",
     "", ""},
    {"foo://a%b/", "", "foo://a%b/", "null", "foo:", "", "", "a%b", "a%b", "", "/", "", ""},
    {"foo://a{b}/", "", "foo://a{b}/", "null", "foo:", "", "", "a{b}", "a{b}", "", "/", "", ""},
    {"foo://a'b\"/", "", "foo://a'b\"/", "null", "foo:", "", "", "a'b\"", "a'b\"", "", "/", "", ""},
    {"foo://[::1]:80/", "", "foo://[::1]:80/", "null", "foo:", "", "", "[::1]:80", "[::1]", "80",
     "/", "", ""},
    {"foo://1.2.3/", "", "foo://1.2.3/", "null", "foo:", "", "", "1.2.3", "1.2.3", "", "/", "", ""},
    {"foo://0x7f/", "", "foo://0x7f/", "null", "foo:", "", "", "0x7f", "0x7f", "", "/", "", ""},
    {"foo://a\001b/", "", "foo://a%01b/", "null", "foo:", "", "", "a%01b", "a%01b", "", "/", "",
     ""},
    {"mailto:someone@example.com", "", "mailto:someone@example.com", "null", "mailto:", "", "", "",
     "", "", "someone@example.com", "", ""},
    {"mailto:a@b?subject=Hi there", "", "mailto:a@b?subject=Hi%20there", "null", "mailto:", "", "",
     "", "", "", "a@b", "?subject=Hi%20there", ""},
    {"javascript:alert(1)", "", "javascript:alert(1)", "null", "javascript:", "", "", "", "", "",
     "alert(1)", "", ""},
    {"data:text/plain,Hello World#f", "", "data:text/plain,Hello World#f", "null", "data:", "", "",
     "", "", "", "text/plain,Hello World", "", "#f"},
    {"urn:isbn:123", "", "urn:isbn:123", "null", "urn:", "", "", "", "", "", "isbn:123", "", ""},
    {"tel:+1-816", "", "tel:+1-816", "null", "tel:", "", "", "", "", "", "+1-816", "", ""},
    {"about:blank", "", "about:blank", "null", "about:", "", "", "", "", "", "blank", "", ""},
    {"git+ssh://git@host.xz/path.git", "", "git+ssh://git@host.xz/path.git", "null",
     "git+ssh:", "git", "", "host.xz", "host.xz", "", "/path.git", "", ""},
    {"a+b-c.d9:x", "", "a+b-c.d9:x", "null", "a+b-c.d9:", "", "", "", "", "", "x", "", ""},
    {"filesystem:http://h/x", "", "filesystem:http://h/x", "null", "filesystem:", "", "", "", "",
     "", "http://h/x", "", ""},
    {"localhost:8080", "", "localhost:8080", "null", "localhost:", "", "", "", "", "", "8080", "",
     ""},
    {"localhost:8080/x", "", "localhost:8080/x", "null", "localhost:", "", "", "", "", "", "8080/x",
     "", ""},
    {"example.com:80", "", "example.com:80", "null", "example.com:", "", "", "", "", "", "80", "",
     ""},
    {" http://h/ ", "", "http://h/", "http://h", "http:", "", "", "h", "h", "", "/", "", ""},
    {"\000\037 http://h/\037"sv, "", "http://h/", "http://h", "http:", "", "", "h", "h", "", "/",
     "", ""},
    {"tp://h/", "", "tp://h/", "null", "tp:", "", "", "h", "h", "", "/", "", ""},
    {"http://h", "", "http://h/", "http://h", "http:", "", "", "h", "h", "", "/", "", ""},
    {"http://h:8", "", "http://h:8/", "http://h:8", "http:", "", "", "h:8", "h", "8", "/", "", ""},
    {"http://h/?a", "", "http://h/?a", "http://h", "http:", "", "", "h", "h", "", "/", "?a", ""},
    {"http://h/\302\240", "", "http://h/%C2%A0", "http://h", "http:", "", "", "h", "h", "",
     "/%C2%A0", "", ""},
    {"\\\\x", "https://user:pw@host.example:8443/a/b?q#f", "https://x/", "https://x", "https:", "",
     "", "x", "x", "", "/", "", ""},
    {"../..", "https://user:pw@host.example:8443/a/b?q#f", "https://user:pw@host.example:8443/",
     "https://host.example:8443", "https:", "user", "pw", "host.example:8443", "host.example",
     "8443", "/", "", ""},
    {"foo:x", "https://user:pw@host.example:8443/a/b?q#f", "foo:x", "null", "foo:", "", "", "", "",
     "", "x", "", ""},
    {"//[::2]", "https://user:pw@host.example:8443/a/b?q#f", "https://[::2]/", "https://[::2]",
     "https:", "", "", "[::2]", "[::2]", "", "/", "", ""},
    {"/x", "ws://h", "ws://h/x", "ws://h", "ws:", "", "", "h", "h", "", "/x", "", ""},
    {"#x", "ws://h", "ws://h/#x", "ws://h", "ws:", "", "", "h", "h", "", "/", "", "#x"},
    {"x:80", "ws://h", "x:80", "null", "x:", "", "", "", "", "", "80", "", ""},
    {"?a b", "ws://h", "ws://h/?a%20b", "ws://h", "ws:", "", "", "h", "h", "", "/", "?a%20b", ""},
    {"\\x", "foo://h", "foo://h/\\x", "null", "foo:", "", "", "h", "h", "", "/\\x", "", ""},
    {"https://x", "foo://h", "https://x/", "https://x", "https:", "", "", "x", "x", "", "/", "",
     ""},
    {"//u@x:1", "foo://h", "foo://u@x:1", "null", "foo:", "u", "", "x:1", "x", "1", "", "", ""},
    {"x", "foo://u:p@h:9/a/b?q#f", "foo://u:p@h:9/a/x", "null", "foo:", "u", "p", "h:9", "h", "9",
     "/a/x", "", ""},
    {"?x", "foo://u:p@h:9/a/b?q#f", "foo://u:p@h:9/a/b?x", "null", "foo:", "u", "p", "h:9", "h",
     "9", "/a/b", "?x", ""},
    {"x:y", "foo://u:p@h:9/a/b?q#f", "x:y", "null", "x:", "", "", "", "", "", "y", "", ""},
    {"foo://x/y", "foo://u:p@h:9/a/b?q#f", "foo://x/y", "null", "foo:", "", "", "x", "x", "", "/y",
     "", ""},
    {".//x", "foo://u:p@h:9/a/b?q#f", "foo://u:p@h:9/a//x", "null", "foo:", "u", "p", "h:9", "h",
     "9", "/a//x", "", ""},
    {"///x", "foo:/a/b", "foo:///x", "null", "foo:", "", "", "", "", "", "/x", "", ""},
    {"?", "foo:/a/b", "foo:/a/b?", "null", "foo:", "", "", "", "", "", "/a/b", "", ""},
    {"https:/x", "foo:/a/b", "https://x/", "https://x", "https:", "", "", "x", "x", "", "/", "",
     ""},
    {"//", "foo:/a/b", "foo://", "null", "foo:", "", "", "", "", "", "", "", ""},
    {"", "foo:///a", "foo:///a", "null", "foo:", "", "", "", "", "", "/a", "", ""},
    {"/\\x", "foo:///a", "foo:///\\x", "null", "foo:", "", "", "", "", "", "/\\x", "", ""},
    {"./", "foo:///a", "foo:///", "null", "foo:", "", "", "", "", "", "/", "", ""},
    {"foo:/x", "foo:///a", "foo:/x", "null", "foo:", "", "", "", "", "", "/x", "", ""},
    {"/..//x", "foo:///a", "foo:////x", "null", "foo:", "", "", "", "", "", "//x", "", ""},
    {"#", "foo:opaque?q#f", "foo:opaque?q#", "null", "foo:", "", "", "", "", "", "opaque", "?q",
     ""},
    {"https:x", "foo:opaque?q#f", "https://x/", "https://x", "https:", "", "", "x", "x", "", "/",
     "", ""},
    {"#a b", "foo:opaque?q#f", "foo:opaque?q#a%20b", "null", "foo:", "", "", "", "", "", "opaque",
     "?q", "#a%20b"},
    {"foo:x", "mailto:x@y", "foo:x", "null", "foo:", "", "", "", "", "", "x", "", ""},
    {"x", "http://h/a/b/", "http://h/a/b/x", "http://h", "http:", "", "", "h", "h", "", "/a/b/x",
     "", ""},
    {"?x", "http://h/a/b/", "http://h/a/b/?x", "http://h", "http:", "", "", "h", "h", "", "/a/b/",
     "?x", ""},
    {"x:y", "http://h/a/b/", "x:y", "null", "x:", "", "", "", "", "", "y", "", ""},
    {"foo://x/y", "http://h/a/b/", "foo://x/y", "null", "foo:", "", "", "x", "x", "", "/y", "", ""},
    {".//x", "http://h/a/b/", "http://h/a/b//x", "http://h", "http:", "", "", "h", "h", "",
     "/a/b//x", "", ""},
    {"///x", "http://[::1]:1/x", "http://x/", "http://x", "http:", "", "", "x", "x", "", "/", "",
     ""},
    {"?", "http://[::1]:1/x", "http://[::1]:1/x?", "http://[::1]:1", "http:", "", "", "[::1]:1",
     "[::1]", "1", "/x", "", ""},
    {"https:/x", "http://[::1]:1/x", "https://x/", "https://x", "https:", "", "", "x", "x", "", "/",
     "", ""},
    {"//a/b", "http://h", "http://a/b", "http://a", "http:", "", "", "a", "a", "", "/b", "", ""},
    {" \011 x ", "http://h/y", "http://h/x", "http://h", "http:", "", "", "h", "h", "", "/x", "",
     ""},
};

struct Invalid {
  std::string_view input, base;
};

constexpr Invalid invalidURLs[] = {
    {"http://example.com:65536/", ""},
    {"http://example.com:99999999999999999999/", ""},
    {"http://example.com:8a/", ""},
    {"http://example.com:-1/", ""},
    {"http://example.com:+1/", ""},
    {"http://example.com: 80/", ""},
    {"http://us er:p#x@example.com/", ""},
    {"http://user:pass@", ""},
    {"http://user@/", ""},
    {"http://@/", ""},
    {"http://", ""},
    {"http:", ""},
    {"http:///", ""},
    {"http://?", ""},
    {"http://#", ""},
    {"http://:80", ""},
    {"http://:80/", ""},
    {"http://exa mple.com/", ""},
    {"http://example.com /", ""},
    {"http://exa%20mple.com/", ""},
    {"http://exa%00mple.com/", ""},
    {"http://exa%2fmple.com/", ""},
    {"http://exa%3ample.com/", ""},
    {"http://exa%40mple.com/", ""},
    {"http://exa%25mple.com/", ""},
    {"http://exa%mple.com/", ""},
    {"http://%/", ""},
    {"http://%zz/", ""},
    {"http://a%7f/", ""},
    {"http://a<b/", ""},
    {"http://a>b/", ""},
    {"http://a^b/", ""},
    {"http://a|b/", ""},
    {"http://a[b/", ""},
    {"http://a]b/", ""},
    {"http://4294967296/", ""},
    {"http://99999999999999999999999/", ""},
    {"http://256.0.0.1/", ""},
    {"http://1.256.0.1/", ""},
    {"http://1.1.1.256/", ""},
    {"http://1.1.65536/", ""},
    {"http://1.16777216/", ""},
    {"http://1.2.3.4.5/", ""},
    {"http://1.2..4/", ""},
    {"http://.1.2.3/", ""},
    {"http://08/", ""},
    {"http://09.1/", ""},
    {"http://1.2.3.08/", ""},
    {"http://a.1/", ""},
    {"http://a.b.1/", ""},
    {"http://a.b.1./", ""},
    {"http://a.0x1/", ""},
    {"http://[1:2:3:4:5:6:7]/", ""},
    {"http://[1:2:3:4:5:6:7:8:9]/", ""},
    {"http://[1:2:3:4:5:6:7:8::]/", ""},
    {"http://[::1::2]/", ""},
    {"http://[:::1]/", ""},
    {"http://[:1]/", ""},
    {"http://[1:]/", ""},
    {"http://[1:2:3:4:5:6:7:]/", ""},
    {"http://[]/", ""},
    {"http://[:]/", ""},
    {"http://[12345::]/", ""},
    {"http://[g::]/", ""},
    {"http://[1:2:3:4:5:6:7:1.2.3.4]/", ""},
    {"http://[1.2.3.4]/", ""},
    {"http://[::1.2.3]/", ""},
    {"http://[::1.2.3.4.5]/", ""},
    {"http://[::1.2.3.256]/", ""},
    {"http://[::1.2.3.04]/", ""},
    {"http://[::1.2.3.]/", ""},
    {"http://[::.1.2.3]/", ""},
    {"http://[::1.2.3.4:5]/", ""},
    {"http://[::a.1.1.1]/", ""},
    {"http://[::1.2.3.4", ""},
    {"http://[::1", ""},
    {"http://::1/", ""},
    {"http://::1]/", ""},
    {"http://[::1]a/", ""},
    {"http://[::1]:a/", ""},
    {"http://a[::1]/", ""},
    {"http://[fe80::1%25eth0]/", ""},
    {"http://[fe80::1%eth0]/", ""},
    {"http://[::1%5d/", ""},
    {"http://[v1.a]/", ""},
    {"foo://:80/", ""},
    {"foo://u@/", ""},
    {"foo://@/x", ""},
    {"foo://h\\x/", ""},
    {"foo://a b/", ""},
    {"foo://a<b/", ""},
    {"foo://[::g]/", ""},
    {"9a:x", ""},
    {"+a:x", ""},
    {"-a:x", ""},
    {"a_b:x", ""},
    {"a b:x", ""},
    {":x", ""},
    {":", ""},
    {"://h", ""},
    {"//h", ""},
    {"/x", ""},
    {"x", ""},
    {"?x", ""},
    {"#x", ""},
    {"", ""},
    {"127.0.0.1:80", ""},
    {"http//h", ""},
    {"http;//h", ""},
    {"ht", ""},
    {"/\011a\015b", ""},
    {"0/", ""},
    {"b#c\011d", ""},
    {"//x y", "ws://h"},
    {"//x", "foo:opaque?q#f"},
    {"%2e%2e/x", "foo:opaque?q#f"},
    {"\\\\x", "mailto:x@y"},
    {"../..", "mailto:x@y"},
    {"//[::2]", "mailto:x@y"},
    {"/x", "nonsense"},
    {"#x", "nonsense"},
    {"x:80", "nonsense"},
    {"?a b", "nonsense"},
    {"//x y", "nonsense"},
    {"//", "http://[::1]:1/x"},
    {"x", "http://\000/"sv},
};

struct Form {
  std::string_view query, serialized;
  std::size_t size;
};

constexpr Form forms[] = {
    {"", "", 0},
    {"?", "", 0},
    {"??a", "%3Fa=", 1},
    {"a", "a=", 1},
    {"a=b", "a=b", 1},
    {"?a=b", "a=b", 1},
    {"a=b&a=c", "a=b&a=c", 2},
    {"a=b=c", "a=b%3Dc", 1},
    {"&a&&b&", "a=&b=", 2},
    {"=", "=", 1},
    {"==", "=%3D", 1},
    {"&", "", 0},
    {"a+b=c+d", "a+b=c+d", 1},
    {"a%20b=c%2Bd", "a+b=c%2Bd", 1},
    {"a=%zz", "a=%25zz", 1},
    {"a=%", "a=%25", 1},
    {"a=%4", "a=%254", 1},
    {"%61=%62", "a=b", 1},
    {"a=b;c=d", "a=b%3Bc%3Dd", 1},
    {"a=\303\251", "a=%C3%A9", 1},
    {"a=%C3%A9", "a=%C3%A9", 1},
    {"a=\360\237\230\200", "a=%F0%9F%98%80", 1},
    {"a=*-._~", "a=*-._%7E", 1},
    {"a=!'()", "a=%21%27%28%29", 1},
    {"a=\"<>\\^`{|}", "a=%22%3C%3E%5C%5E%60%7B%7C%7D", 1},
    {"a=\012", "a=%0A", 1},
    {"a=%00", "a=%00", 1},
    {"a[]=1&a[]=2", "a%5B%5D=1&a%5B%5D=2", 2},
    {"#a=b", "%23a=b", 1},
    {"a=/?:@$,", "a=%2F%3F%3A%40%24%2C", 1},
    {"a= b", "a=+b", 1},
    {"a=%26%3D%23", "a=%26%3D%23", 1},
};

URL parse(std::string_view input, std::string_view base) {
  return base.empty() ? URL(input) : URL(input, base);
}

bool canParse(std::string_view input, std::string_view base) {
  return base.empty() ? URL::canParse(input) : URL::canParse(input, base);
}

// Every component on a line of its own, so that a failure shows which one is wrong.
std::string components(const URL& url) {
  std::string out;
  for (const std::string_view part :
       {std::string_view(url.protocol()), url.username(), url.password(), url.hostname(),
        url.port(), url.pathname(), url.hash()}) {
    out.append(part).append("\n");
  }
  return out + url.href() + "\n" + url.origin() + "\n" + url.host() + "\n" + url.search();
}

std::string expectedComponents(const Valid& row) {
  std::string out;
  for (const std::string_view part :
       {row.protocol, row.username, row.password, row.hostname, row.port, row.pathname, row.hash,
        row.href, row.origin, row.host}) {
    out.append(part).append("\n");
  }
  return out.append(row.search);
}

// The message of the error that parsing ends in; "" where it ends in none.
std::string problem(std::string_view input, std::string_view base = {}) {
  try {
    parse(input, base);
  } catch (const Error& error) {
    CHECK(error.name() == "ERR_INVALID_URL");
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("URL takes a text apart as Node does", "[URL]") {
  for (const Valid& row : validURLs) {
    INFO("'" << row.input << "' with base '" << row.base << "'");
    CHECK(components(parse(row.input, row.base)) == expectedComponents(row));
    CHECK(canParse(row.input, row.base));
  }
}

TEST_CASE("URL refuses what Node refuses, with ERR_INVALID_URL", "[URL]") {
  for (const Invalid& row : invalidURLs) {
    INFO("'" << row.input << "' with base '" << row.base << "'");
    CHECK_FALSE(problem(row.input, row.base).empty());
    CHECK_FALSE(canParse(row.input, row.base));
  }
}

TEST_CASE("parsing url.href() gives an equal URL, also after an edit", "[URL]") {
  for (const Valid& row : validURLs) {
    INFO("'" << row.input << "' with base '" << row.base << "'");
    URL url = parse(row.input, row.base);
    CHECK(components(URL(url.href())) == components(url));
    url.searchParams().append("k", "v w");
    CHECK(components(URL(url.href())) == components(url));
    url.searchParams() = URLSearchParams();
    CHECK(components(URL(url.href())) == components(url));
  }
}

TEST_CASE("the message of ERR_INVALID_URL quotes the input and says what is wrong", "[URL]") {
  CHECK(problem("http://a b/") == "Invalid URL: 'http://a b/' (space in host)");
  CHECK(problem("http://a|b/") == "Invalid URL: 'http://a|b/' ('|' in host)");
  CHECK(problem("http://a%00b") == "Invalid URL: 'http://a%00b' (control character in host)");
  CHECK(problem("http://[::1") ==
        "Invalid URL: 'http://[::1' ('[' without ']' at the end of the host)");
  CHECK(problem("http://[::g]") == "Invalid URL: 'http://[::g]' (malformed IPv6 address)");
  CHECK(problem("http://1.2.3.256") == "Invalid URL: 'http://1.2.3.256' (malformed IPv4 address)");
  CHECK(problem("http://a:65536") ==
        "Invalid URL: 'http://a:65536' (port is not a number up to 65535)");
  CHECK(problem("http://") == "Invalid URL: 'http://' (no host)");
  CHECK(problem("http://u@") == "Invalid URL: 'http://u@' (no host behind '@')");
  CHECK(problem("/x") == "Invalid URL: '/x' (no scheme, and no base to take it from)");
  CHECK(problem("/x", "mailto:a@b") ==
        "Invalid URL: '/x' (nothing can be relative to a base of the form mailto:text)");
  CHECK(problem("/x", "http://a b") == "Invalid URL: 'http://a b' (space in host)");
}

TEST_CASE("the message of ERR_INVALID_URL is one line of bounded length", "[URL]") {
  CHECK(problem("a\nb\0c\x7F"sv) ==
        "Invalid URL: 'a%0Ab%00c%7F' (no scheme, and no base to take it from)");
  CHECK(problem(std::string(200, 'a')).find(std::string(200, 'a') + "' (") != std::string::npos);
  CHECK(problem(std::string(201, 'a')).find(std::string(200, 'a') + "...' (") != std::string::npos);
}

TEST_CASE("file: URLs are refused", "[URL]") {
  CHECK(problem("file:///etc/hosts") ==
        "Invalid URL: 'file:///etc/hosts' (the scheme file: is not supported)");
  CHECK_FALSE(URL::canParse("FILE:x", "http://h/"));
  CHECK_FALSE(URL::canParse("x", "file:///y"));
}

TEST_CASE("a host name that is not ASCII is refused, and its xn-- form passed on", "[URL]") {
  CHECK(problem("http://\303\251.com/").find("(host is not ASCII: write it as xn--)") !=
        std::string::npos);
  CHECK_FALSE(URL::canParse("http://%C3%A9.com/"));
  CHECK_FALSE(URL::canParse("http://a%80/"));
  CHECK_FALSE(URL::canParse("http://a\xFF/"));
  CHECK(URL("http://XN--9ca.com/").hostname() == "xn--9ca.com");
}

TEST_CASE("bytes that are not UTF-8 are percent-encoded one by one", "[URL]") {
  const URL url("http://\xFF:\xFE@h/\x80?\xC3#\xED\xA0\x80");
  CHECK(url.href() == "http://%FF:%FE@h/%80?%C3#%ED%A0%80");
}

TEST_CASE("the origin of blob: is null", "[URL]") {
  CHECK(URL("blob:http://a/x").origin() == "null");
}

TEST_CASE("a blank at the end of an opaque path stays a part of it", "[URL]") {
  URL url("foo:a  ?q");
  CHECK(url.pathname() == "a %20");
  CHECK(URL("foo:a #f").pathname() == "a%20");
  CHECK(URL("foo:a ").pathname() == "a");
  url.searchParams().remove("q");
  CHECK(url.href() == "foo:a %20");
}

TEST_CASE("where Node 20 departs from the standard, the standard holds", "[URL]") {
  CHECK(URL("http://h/a/.b/.").pathname() == "/a/.b/");
  CHECK(URL("http://h/a/.b/..").pathname() == "/a/");
  CHECK(URL("foo://h/a/../..").pathname() == "/");
  CHECK(URL("", "http://h/?#").href() == "http://h/?");
  CHECK_FALSE(URL::canParse("?a#b", "foo:x"));
}

TEST_CASE("a path of ten thousand dot segments is resolved", "[URL]") {
  std::string text = "http://h";
  for (int i = 0; i < 10000; ++i) text += "/a/%2e%2E";
  CHECK(URL(text).href() == "http://h/");
}

TEST_CASE("url.searchParams() edits show in search() and href()", "[URL][URLSearchParams]") {
  URL url("http://u@h:8/p?a=%78&b=c%20d&a=y#f");
  URLSearchParams& params = url.searchParams();

  SECTION("reading leaves the query as it was written") {
    CHECK(params.get("b") == "c d");
    CHECK(url.search() == "?a=%78&b=c%20d&a=y");
  }
  SECTION("append") {
    params.append("k", "v w");
    CHECK(url.search() == "?a=x&b=c+d&a=y&k=v+w");
    CHECK(url.href() == "http://u@h:8/p?a=x&b=c+d&a=y&k=v+w#f");
  }
  SECTION("set") {
    params.set("a", "1");
    CHECK(url.search() == "?a=1&b=c+d");
  }
  SECTION("remove by name") {
    params.remove("a");
    CHECK(url.search() == "?b=c+d");
  }
  SECTION("remove by name and value") {
    params.remove("a", "y");
    CHECK(url.search() == "?a=x&b=c+d");
  }
  SECTION("sort") {
    params.sort();
    CHECK(url.search() == "?a=x&a=y&b=c+d");
  }
  SECTION("an edit that changes no pair still writes the query anew") {
    params.remove("none");
    CHECK(url.search() == "?a=x&b=c+d&a=y");
  }
  SECTION("assigning another list") {
    params = URLSearchParams("z=1");
    CHECK(url.href() == "http://u@h:8/p?z=1#f");
  }
  SECTION("removing the last pair removes the '?'") {
    params.remove("a");
    params.remove("b");
    CHECK(url.search().empty());
    CHECK(url.href() == "http://u@h:8/p#f");
  }
  SECTION("they show in what is relative to the URL") {
    params.set("a", "1");
    CHECK(URL("#g", url).href() == "http://u@h:8/p?a=1&b=c+d#g");
  }
}

TEST_CASE("URL is a regular value", "[URL]") {
  URL url("http://h/?a=%78");

  SECTION("a copy has the edits and does not share them") {
    url.searchParams().append("b", "2");
    URL copy = url;
    CHECK(copy == url);
    CHECK(copy.href() == "http://h/?a=x&b=2");
    copy.searchParams().remove("b");
    CHECK(copy.search() == "?a=x");
    CHECK(url.search() == "?a=x&b=2");
    CHECK_FALSE(copy == url);
  }
  SECTION("a copy of a URL whose parameters were read keeps the query as it was written") {
    CHECK(url.searchParams().size() == 1);
    const URL copy = url;
    CHECK(copy.href() == "http://h/?a=%78");
  }
  SECTION("assignment replaces a list that was handed out") {
    url.searchParams().append("b", "2");
    const URL other("http://other/?c=%79");
    url = other;
    CHECK(url.href() == "http://other/?c=%79");
    CHECK(url.searchParams().get("c") == "y");
    const URL& self = url;
    url = self;
    CHECK(url.href() == "http://other/?c=%79");
  }
  SECTION("a list survives the move of its URL") {
    URLSearchParams& params = url.searchParams();
    const URL moved = std::move(url);
    params.set("a", "2");
    CHECK(moved.href() == "http://h/?a=2");
  }
  SECTION("const and temporary URLs give a copy of the list") {
    const URL constant("http://h/?a=1");
    static_assert(std::is_same_v<decltype(constant.searchParams()), URLSearchParams>);
    static_assert(std::is_same_v<decltype(URL("http://h/").searchParams()), URLSearchParams>);
    CHECK(constant.searchParams().get("a") == "1");
    url.searchParams().set("a", "2");
    CHECK(std::as_const(url).searchParams().get("a") == "2");
  }
  SECTION("equality is that of href()") {
    CHECK(URL("HTTP://H:80/a/../?q") == URL("http://h/?q"));
    CHECK_FALSE(URL("http://h/?") == URL("http://h/"));
  }
}

TEST_CASE("URLSearchParams reads and writes forms as Node does", "[URLSearchParams]") {
  for (const Form& row : forms) {
    INFO("'" << row.query << "'");
    const URLSearchParams params(row.query);
    CHECK(params.toString() == row.serialized);
    CHECK(params.size() == row.size);
    CHECK(URLSearchParams(params.toString()) == params);
  }
}

TEST_CASE("URLSearchParams finds pairs by name and keeps their order", "[URLSearchParams]") {
  const URLSearchParams params("?a=1&b=2&a=3&c");
  CHECK(params.get("a") == "1");
  CHECK(params.get("c") == "");
  CHECK_FALSE(params.get("A").has_value());
  CHECK(params.getAll("a") == std::vector<std::string>{"1", "3"});
  CHECK(params.getAll("d").empty());
  CHECK(params.has("b"));
  CHECK_FALSE(params.has("d"));
  CHECK(params.has("a", "3"));
  CHECK_FALSE(params.has("a", "2"));
  std::string seen;
  for (const auto& [name, value] : params) seen += name + "=" + value + ";";
  CHECK(seen == "a=1;b=2;a=3;c=;");
}

TEST_CASE("URLSearchParams edits", "[URLSearchParams]") {
  URLSearchParams params("a=1&b=2&a=3&c=4&a=5");

  SECTION("append adds a name that is there a second time") {
    params.append("b", "6");
    CHECK(params.toString() == "a=1&b=2&a=3&c=4&a=5&b=6");
  }
  SECTION("set replaces the first and drops the others") {
    params.set("a", "6");
    CHECK(params.toString() == "a=6&b=2&c=4");
  }
  SECTION("set appends a name that is not there") {
    params.set("d", "6");
    CHECK(params.toString() == "a=1&b=2&a=3&c=4&a=5&d=6");
  }
  SECTION("remove takes all pairs of a name") {
    params.remove("a");
    CHECK(params.toString() == "b=2&c=4");
  }
  SECTION("remove with a value takes only that pair") {
    params.remove("a", "3");
    CHECK(params.toString() == "a=1&b=2&c=4&a=5");
  }
  SECTION("a name or value may be a view into the list itself") {
    params.set(params.begin()->first, params.begin()[1].second);
    CHECK(params.toString() == "a=2&b=2&c=4");
    params.append(params.begin()->first, params.begin()->second);
    CHECK(params.toString() == "a=2&b=2&c=4&a=2");
    params.remove(params.begin()->first, params.begin()->second);
    CHECK(params.toString() == "b=2&c=4");
    params.remove(params.begin()->first);
    CHECK(params.toString() == "c=4");
  }
}

TEST_CASE("URLSearchParams.sort() is stable and orders by UTF-16 code units", "[URLSearchParams]") {
  URLSearchParams params(
      "z=1&\357\275\236=2&\360\237\230\200=3&a=4&\356\200\200=5&z=0&=6&aa=7&\303\251=8");
  params.sort();
  std::string values;
  for (const auto& pair : params) values += pair.second;
  CHECK(values == "647108352");
}

TEST_CASE("URLSearchParams keeps bytes that are not UTF-8", "[URLSearchParams]") {
  const URLSearchParams params("a=%FF\xFE");
  CHECK(params.get("a") == "\xFF\xFE");
  CHECK(params.toString() == "a=%FF%FE");
}

TEST_CASE("percentDecode turns escapes into bytes and leaves the rest", "[URL]") {
  using sluice::http::detail::percentDecode;
  CHECK(percentDecode("").empty());
  CHECK(percentDecode("us%65r%20+%2B") == "user ++");
  CHECK(percentDecode("%c3%A9%00"sv) == "\303\251\0"sv);
  CHECK(percentDecode("%%41%4%zz%4g%-1%") == "%A%4%zz%4g%-1%");
}
