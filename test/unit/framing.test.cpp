// SPDX-License-Identifier: BSL-1.0
//
// What leaves, to the byte: heads of responses and requests for every way their bodies can be
// framed, chunks, trailers, 1xx answers and error replies.
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <sluice/error.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/wire/framing.hpp>
#include <string>
#include <string_view>
#include <vector>
#include "support/catch.hpp"

using namespace sluice::http::detail;
using sluice::http::Error;
using sluice::http::Headers;
using sluice::http::STATUS_CODES;
using sluice::net::detail::ByteBuffer;

namespace {

using Texts = std::vector<std::string>;

constexpr std::string_view date = "Date: D\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\n";
constexpr std::string_view keepAlive = "Keep-Alive: timeout=5\r\n";
const std::string alive = "Connection: keep-alive\r\n" + std::string(keepAlive);
const std::string closes = "Connection: close\r\n";
const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";

std::string nameOf(BodyMode mode) {
  switch (mode) {
    case BodyMode::none:
      return "none";
    case BodyMode::sized:
      return "sized";
    case BodyMode::chunked:
      return "chunked";
    case BodyMode::untilClose:
      break;
  }
  return "untilClose";
}

// Mode, length and what becomes of the connection, in one text that prints.
std::string verdict(const HeadFraming& framing) {
  std::string text = nameOf(framing.mode);
  if (framing.contentLength) text += " " + std::to_string(*framing.contentLength);
  if (!framing.bodyAllowed) text += " no body";
  if (framing.trailersAllowed) text += " trailers";
  return text + (framing.keepAlive ? ", stays" : ", closes");
}

struct Result {
  std::string wire;
  std::string verdict;
};

using StoreEdit = std::function<void(HeaderStore&)>;
using ResponseEdit = std::function<void(ResponseHead&)>;
using RequestEdit = std::function<void(RequestHead&)>;

Result respond(
    const StoreEdit& store, const ResponseEdit& edit = [](ResponseHead&) {}) {
  HeaderStore headers;
  store(headers);
  ResponseHead head{
      .headers = headers, .keepAliveLine = keepAlive, .dateLine = date, .bodyLength = 5};
  edit(head);
  ByteBuffer out;
  const HeadFraming framing = composeResponseHead(out, head);
  return {std::string(out.view()), verdict(framing)};
}
Result respond(const ResponseEdit& edit = [](ResponseHead&) {}) {
  return respond([](HeaderStore&) {}, edit);
}

Result request(
    const StoreEdit& store, const RequestEdit& edit = [](RequestHead&) {}) {
  HeaderStore headers;
  headers.set("Host", "h");
  store(headers);
  RequestHead head{.method = "POST", .path = "/p?q", .headers = headers, .shouldKeepAlive = true};
  edit(head);
  ByteBuffer out;
  const HeadFraming framing = composeRequestHead(out, head);
  return {std::string(out.view()), verdict(framing)};
}
Result request(const RequestEdit& edit) {
  return request([](HeaderStore&) {}, edit);
}

template <class F>
std::string failure(F&& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::string(error.name()) + ": " + error.what();
  }
  return "nothing";
}

template <class F>
std::string nameOfFailure(F&& action) {
  const std::string text = failure(action);
  return text.substr(0, text.find(':'));
}

void respondDirect(const Headers& headers) {
  respond([&](ResponseHead& head) { head.writeHeadHeaders = &headers; });
}

void unknownLength(ResponseHead& head) { head.bodyLength = std::nullopt; }
void http10(ResponseHead& head) {
  head.http10 = true;
  head.requestKeepAlive = false;
}
void http10KeepAlive(ResponseHead& head) { head.http10 = true; }

}  // namespace

TEST_CASE("end(data) with an implicit head gives Content-Length, behind Date and Connection",
          "[framing]") {
  const Result result = respond();
  CHECK(result.wire == ok + "Date: D\r\n" + alive + "Content-Length: 5\r\n\r\n");
  CHECK(result.verdict == "sized 5, stays");
  CHECK(respond([](ResponseHead& head) { head.bodyLength = 0; }).wire ==
        ok + "Date: D\r\n" + alive + "Content-Length: 0\r\n\r\n");
  CHECK(respond([](ResponseHead& head) { head.bodyLength = 18446744073709551615U; }).wire ==
        ok + "Date: D\r\n" + alive + "Content-Length: 18446744073709551615\r\n\r\n");
}

TEST_CASE("a body of unknown length is chunked", "[framing]") {
  const Result result = respond(unknownLength);
  CHECK(result.wire == ok + "Date: D\r\n" + alive + chunked);
  CHECK(result.verdict == "chunked trailers, stays");
}

TEST_CASE("the head goes behind what is in the buffer", "[framing]") {
  ByteBuffer out;
  out.append("before");
  HeaderStore headers;
  composeResponseHead(out, {.headers = headers, .keepAliveLine = keepAlive, .bodyLength = 1});
  CHECK(out.view() == "before" + ok + alive + "Content-Length: 1\r\n\r\n");
}

TEST_CASE("headers keep their order and come before the automatic ones", "[framing]") {
  const auto set = [](HeaderStore& store) {
    store.set("X-First", "1");
    store.set("Vary", {"a", "b"});
    store.set("x-last", 3);
  };
  CHECK(respond(set).wire == ok + "X-First: 1\r\nVary: a\r\nVary: b\r\nx-last: 3\r\nDate: D\r\n" +
                                 alive + "Content-Length: 5\r\n\r\n");
}

TEST_CASE("every known code has its phrase, others are unknown", "[framing]") {
  for (int code = 200; code <= 999; ++code) {
    INFO(code);
    const std::string phrase(STATUS_CODES.contains(code) ? STATUS_CODES[code] : "unknown");
    const Result result = respond([code](ResponseHead& head) { head.statusCode = code; });
    CHECK(result.wire.starts_with("HTTP/1.1 " + std::to_string(code) + ' ' + phrase + "\r\nDate"));
  }
  CHECK(respond([](ResponseHead& head) {
          head.reason = "Fine";
        }).wire.starts_with("HTTP/1.1 200 Fine\r\nDate"));
  CHECK(respond([](ResponseHead& head) {
          head.reason = "";
        }).wire.starts_with("HTTP/1.1 200 \r\nDate"));
  CHECK(respond([](ResponseHead& head) {
          head.statusCode = 799;
          head.reason = "Mine";
        }).wire.starts_with("HTTP/1.1 799 Mine\r\nDate"));
}

TEST_CASE("status codes outside 200 to 999 are refused: 1xx come before the response",
          "[framing]") {
  for (const int code : {-1, 0, 99, 100, 101, 103, 199, 1000, 10000}) {
    CHECK(failure([code] { respond([code](ResponseHead& head) { head.statusCode = code; }); }) ==
          "ERR_HTTP_INVALID_STATUS_CODE: Invalid status code: " + std::to_string(code));
  }
}

TEST_CASE("a status message has the bytes of a header value, byte by byte", "[framing]") {
  for (int byte = 0; byte < 256; ++byte) {
    INFO("byte " << byte);
    const std::string reason = std::string("a") + static_cast<char>(byte);
    const bool valid = byte == '\t' || (byte >= 0x20 && byte != 0x7F);
    CHECK(failure([&] { respond([&](ResponseHead& head) { head.reason = reason; }); }) ==
          (valid ? "nothing" : "ERR_INVALID_CHAR: Invalid character in statusMessage"));
  }
}

TEST_CASE("HEAD, 204 and 304 have no body and no automatic framing", "[framing]") {
  for (const auto& length : {std::optional<std::uint64_t>(5), std::optional<std::uint64_t>()}) {
    for (const int code : {204, 304}) {
      const Result result = respond([&](ResponseHead& head) {
        head.statusCode = code;
        head.reason = "R";
        head.bodyLength = length;
      });
      CHECK(result.wire ==
            "HTTP/1.1 " + std::to_string(code) + " R\r\nDate: D\r\n" + alive + "\r\n");
      CHECK(result.verdict == "none no body, stays");
    }
    const Result head = respond([&](ResponseHead& in) {
      in.isHead = true;
      in.bodyLength = length;
    });
    CHECK(head.wire == ok + "Date: D\r\n" + alive + "\r\n");
    CHECK(head.verdict == "none no body, stays");
  }
}

TEST_CASE("205 is a status like any other", "[framing]") {
  CHECK(respond([](ResponseHead& head) {
          head.statusCode = 205;
          head.bodyLength = 0;
        }).verdict == "sized 0, stays");
}

TEST_CASE("HEAD keeps the length and the encoding that the user set, without a body", "[framing]") {
  const auto isHead = [](ResponseHead& head) { head.isHead = true; };
  const Result sized = respond([](HeaderStore& store) { store.set("Content-Length", 9); }, isHead);
  CHECK(sized.wire == ok + "Content-Length: 9\r\nDate: D\r\n" + alive + "\r\n");
  CHECK(sized.verdict == "none no body, stays");
  const Result encoded =
      respond([](HeaderStore& store) { store.set("Transfer-Encoding", "chunked"); }, isHead);
  CHECK(encoded.wire == ok + "Transfer-Encoding: chunked\r\nDate: D\r\n" + alive + "\r\n");
  CHECK(encoded.verdict == "none no body, stays");
}

TEST_CASE("a length that the user sets frames the body", "[framing]") {
  const Result result =
      respond([](HeaderStore& store) { store.set("content-length", "12"); }, unknownLength);
  CHECK(result.wire == ok + "content-length: 12\r\nDate: D\r\n" + alive + "\r\n");
  CHECK(result.verdict == "sized 12, stays");
}

TEST_CASE("a length that is no number is refused where it is set", "[framing]") {
  for (const char* length : {"", "x", "-1", "+1", "1 ", "1, 1", "0x1", "18446744073709551616"}) {
    INFO(length);
    HeaderStore store;
    CHECK(nameOfFailure([&] { store.set("Content-Length", length); }) ==
          "ERR_HTTP_INVALID_HEADER_VALUE");
    CHECK_FALSE(store.has("Content-Length"));
    const Headers direct{{"Content-Length", length}};
    CHECK(nameOfFailure([&] { respondDirect(direct); }) == "ERR_HTTP_INVALID_HEADER_VALUE");
  }
}

TEST_CASE("two lengths are refused where the second is set, equal or not", "[framing]") {
  for (const char* second : {"5", "6"}) {
    HeaderStore store;
    CHECK(nameOfFailure([&] {
            store.set("Content-Length", {"5", second});
          }) == "ERR_HTTP_INVALID_HEADER_VALUE");
    store.set("Content-Length", 5);
    CHECK(nameOfFailure([&] { store.append("Content-Length", second); }) ==
          "ERR_HTTP_INVALID_HEADER_VALUE");
    CHECK(store.text("Content-Length") == "5");
    const Headers direct{{"Content-Length", 5}, {"content-length", second}};
    CHECK(nameOfFailure([&] { respondDirect(direct); }) == "ERR_HTTP_INVALID_HEADER_VALUE");
    CHECK(nameOfFailure([&] { store.merge(direct); }) == "ERR_HTTP_INVALID_HEADER_VALUE");
    CHECK(store.text("Content-Length") == "5");
  }
}

TEST_CASE("codings that no recipient could undo are refused where they are set", "[framing]") {
  for (const char* codings : {"", "chunked, gzip", "chunked, chunked", "chunked;a=b",
                              "gzip chunked", "\"chunked\"", "chunked,"}) {
    INFO(codings);
    HeaderStore store;
    CHECK(nameOfFailure([&] { store.set("Transfer-Encoding", codings); }) ==
          "ERR_HTTP_INVALID_HEADER_VALUE");
    const Headers direct{{"Transfer-Encoding", codings}};
    CHECK(nameOfFailure([&] { respondDirect(direct); }) == "ERR_HTTP_INVALID_HEADER_VALUE");
  }
  HeaderStore store;
  store.set("Transfer-Encoding", "gzip");
  store.append("Transfer-Encoding", "chunked");
  CHECK(nameOfFailure([&] { store.append("Transfer-Encoding", "chunked"); }) ==
        "ERR_HTTP_INVALID_HEADER_VALUE");
}

TEST_CASE("Transfer-Encoding: chunked that the user sets is not doubled", "[framing]") {
  for (const char* coding : {"chunked", "Chunked", "gzip, chunked"}) {
    const Result result =
        respond([coding](HeaderStore& store) { store.set("Transfer-Encoding", coding); });
    CHECK(result.wire == ok + "Transfer-Encoding: " + coding + "\r\nDate: D\r\n" + alive + "\r\n");
    CHECK(result.verdict == "chunked trailers, stays");
  }
}

TEST_CASE("a transfer coding without chunks runs to the end of the connection", "[framing]") {
  const Result result = respond([](HeaderStore& store) { store.set("Transfer-Encoding", "gzip"); });
  CHECK(result.wire == ok + "Transfer-Encoding: gzip\r\nDate: D\r\n" + closes + "\r\n");
  CHECK(result.verdict == "untilClose, closes");
}

TEST_CASE("a Content-Length beside Transfer-Encoding is not sent", "[framing]") {
  const auto both = [](HeaderStore& store) {
    store.set("Content-Length", 5);
    store.set("Transfer-Encoding", "chunked");
  };
  CHECK(respond(both).wire == ok + "Transfer-Encoding: chunked\r\nDate: D\r\n" + alive + "\r\n");
  CHECK(respond(both).verdict == "chunked trailers, stays");
}

TEST_CASE("204 and 304 keep a user's chunked header, lose the body and close", "[framing]") {
  for (const int code : {204, 304}) {
    const auto status = [code](ResponseHead& head) {
      head.statusCode = code;
      head.reason = "R";
    };
    const Result result =
        respond([](HeaderStore& store) { store.set("Transfer-Encoding", "chunked"); }, status);
    CHECK(result.wire == "HTTP/1.1 " + std::to_string(code) +
                             " R\r\nTransfer-Encoding: chunked\r\nDate: D\r\n" + closes + "\r\n");
    CHECK(result.verdict == "none no body, closes");
    CHECK(respond(
              [](HeaderStore& store) {
                store.set("Transfer-Encoding", "chunked");
                store.set("Connection", "keep-alive");
              },
              status)
              .verdict == "none no body, stays");
  }
}

TEST_CASE("an answer to HTTP/1.0 is closed at its end and has no framing", "[framing]") {
  for (const auto edit : {http10, http10KeepAlive}) {
    const Result result = respond(edit);
    CHECK(result.wire == ok + "Date: D\r\n" + closes + "\r\n");
    CHECK(result.verdict == "untilClose, closes");
  }
}

TEST_CASE("HTTP/1.0 keep-alive needs a length of the user or TE: chunked", "[framing]") {
  const auto length = [](HeaderStore& store) { store.set("Content-Length", 5); };
  const Result kept = respond(length, http10KeepAlive);
  CHECK(kept.wire == ok + "Content-Length: 5\r\nDate: D\r\n" + alive + "\r\n");
  CHECK(kept.verdict == "sized 5, stays");
  CHECK(respond(length, http10).wire == ok + "Content-Length: 5\r\nDate: D\r\n" + closes + "\r\n");

  const auto te = [](ResponseHead& head) {
    head.http10 = true;
    head.acceptsChunked = true;
  };
  CHECK(respond(te).wire == ok + "Date: D\r\n" + alive + "Content-Length: 5\r\n\r\n");
  CHECK(respond([&](ResponseHead& head) {
          te(head);
          head.requestKeepAlive = false;
          head.bodyLength = std::nullopt;
        }).wire == ok + "Date: D\r\n" + closes + chunked);
}

TEST_CASE("HTTP/1.0 persists with a connection and a framing set by hand", "[framing]") {
  const Result result = respond(
      [](HeaderStore& store) {
        store.set("Connection", "keep-alive");
        store.set("Content-Length", 5);
      },
      http10);
  CHECK(result.wire == ok + "Connection: keep-alive\r\nContent-Length: 5\r\nDate: D\r\n\r\n");
  CHECK(result.verdict == "sized 5, stays");
  CHECK(
      respond([](HeaderStore& store) { store.set("Connection", "keep-alive"); }, http10).verdict ==
      "untilClose, closes");
  const Result chunkedByHand =
      respond([](HeaderStore& store) { store.set("Transfer-Encoding", "chunked"); }, http10);
  CHECK(chunkedByHand.wire == ok + "Transfer-Encoding: chunked\r\nDate: D\r\n" + closes + "\r\n");
  CHECK(chunkedByHand.verdict == "chunked trailers, closes");
}

TEST_CASE("HTTP/1.0 without a body closes unless a length is set", "[framing]") {
  const auto edit = [](ResponseHead& head) {
    head.http10 = true;
    head.statusCode = 204;
  };
  CHECK(respond(edit).wire == "HTTP/1.1 204 No Content\r\nDate: D\r\n" + closes + "\r\n");
  CHECK(respond(edit).verdict == "none no body, closes");
}

TEST_CASE("the connection closes where the request, the response or the server says so",
          "[framing]") {
  const std::string expected = ok + "Date: D\r\n" + closes + "Content-Length: 5\r\n\r\n";
  for (const ResponseEdit& edit :
       {ResponseEdit([](ResponseHead& head) { head.requestKeepAlive = false; }),
        ResponseEdit([](ResponseHead& head) { head.shouldKeepAlive = false; }),
        ResponseEdit([](ResponseHead& head) { head.forceClose = true; }),
        ResponseEdit([](ResponseHead& head) { head.lastRequest = true; })}) {
    CHECK(respond(edit).wire == expected);
    CHECK(respond(edit).verdict == "sized 5, closes");
  }
}

TEST_CASE("a Connection header of the user is sent as it is and decides", "[framing]") {
  struct Row {
    const char* value;
    bool stays;
  };
  for (const Row& row :
       {Row{"close", false}, Row{"CLOSE", false}, Row{"x, close", false}, Row{"x-close", false},
        Row{"closed", true}, Row{"keep-alive", true}, Row{"upgrade", true}, Row{"", true}}) {
    INFO(row.value);
    const auto set = [&](HeaderStore& store) { store.set("Connection", row.value); };
    const Result result = respond(set);
    CHECK(result.wire ==
          ok + "Connection: " + row.value + "\r\nDate: D\r\nContent-Length: 5\r\n\r\n");
    CHECK(result.verdict == (row.stays ? "sized 5, stays" : "sized 5, closes"));
    // Also against what the request asked for.
    CHECK(respond(set, [](ResponseHead& head) { head.requestKeepAlive = false; }).verdict ==
          result.verdict);
    for (const ResponseEdit& edit :
         {ResponseEdit([](ResponseHead& head) { head.forceClose = true; }),
          ResponseEdit([](ResponseHead& head) { head.lastRequest = true; })}) {
      CHECK(respond(set, edit).wire == result.wire);
      CHECK(respond(set, edit).verdict == "sized 5, closes");
    }
  }
  CHECK(respond([](HeaderStore& store) {
          store.set("Connection", {"a", "close"});
        }).verdict == "sized 5, closes");
  CHECK(respond([](HeaderStore& store) {
          store.set("Connection", {"close", "a"});
        }).verdict == "sized 5, closes");
}

TEST_CASE("Keep-Alive tells whole seconds and the requests per socket", "[framing]") {
  using namespace std::chrono_literals;
  struct Row {
    std::chrono::milliseconds timeout;
    std::size_t max;
    const char* line;
  };
  for (const Row& row :
       {Row{5s, 0, "Keep-Alive: timeout=5\r\n"}, Row{1999ms, 0, "Keep-Alive: timeout=1\r\n"},
        Row{500ms, 0, "Keep-Alive: timeout=0\r\n"}, Row{0ms, 0, ""}, Row{0ms, 3, ""},
        Row{72s, 3, "Keep-Alive: timeout=72, max=3\r\n"},
        Row{5s, sluice::http::unlimited, "Keep-Alive: timeout=5\r\n"}}) {
    const std::string line = keepAliveLine(row.timeout, row.max);
    CHECK(respond([&](ResponseHead& head) { head.keepAliveLine = line; }).wire ==
          ok + "Date: D\r\nConnection: keep-alive\r\n" + row.line + "Content-Length: 5\r\n\r\n");
  }
  CHECK(respond([](HeaderStore& store) { store.set("keep-alive", "timeout=9"); }).wire ==
        ok + "keep-alive: timeout=9\r\nDate: D\r\nConnection: keep-alive\r\n"
             "Content-Length: 5\r\n\r\n");
}

TEST_CASE("a removed Connection header leaves the line out and persistence alone", "[framing]") {
  const auto remove = [](HeaderStore& store) { store.remove("connection"); };
  const std::string expected = ok + "Date: D\r\nContent-Length: 5\r\n\r\n";
  CHECK(respond(remove).wire == expected);
  CHECK(respond(remove).verdict == "sized 5, stays");
  const auto noKeepAlive = [](ResponseHead& head) { head.requestKeepAlive = false; };
  CHECK(respond(remove, noKeepAlive).wire == expected);
  CHECK(respond(remove, noKeepAlive).verdict == "sized 5, closes");
  CHECK(respond(remove, [](ResponseHead& head) { head.lastRequest = true; }).verdict ==
        "sized 5, closes");
}

TEST_CASE("a removed Content-Length falls back to chunked, then to the end of the connection",
          "[framing]") {
  CHECK(respond([](HeaderStore& store) { store.remove("Content-Length"); }).wire ==
        ok + "Date: D\r\n" + alive + chunked);
  const auto encoding = [](HeaderStore& store) { store.remove("Transfer-Encoding"); };
  CHECK(respond(encoding).verdict == "sized 5, stays");
  const Result raw = respond(encoding, unknownLength);
  CHECK(raw.wire == ok + "Date: D\r\n" + closes + "\r\n");
  CHECK(raw.verdict == "untilClose, closes");
  const auto both = [](HeaderStore& store) {
    store.remove("content-length");
    store.remove("transfer-encoding");
  };
  CHECK(respond(both).wire == raw.wire);
  CHECK(respond(both).verdict == "untilClose, closes");
  CHECK(respond([&](HeaderStore& store) {
          both(store);
          store.set("Connection", "keep-alive");
        }).verdict == "untilClose, closes");
  CHECK(respond([&](HeaderStore& store) {
          both(store);
          store.remove("connection");
        }).verdict == "untilClose, closes");
}

TEST_CASE("Date is left out when removed, sent as set, and back when set later", "[framing]") {
  CHECK(respond([](HeaderStore& store) { store.remove("Date"); }).wire ==
        ok + alive + "Content-Length: 5\r\n\r\n");
  CHECK(respond([](ResponseHead& head) { head.dateLine = {}; }).wire ==
        ok + alive + "Content-Length: 5\r\n\r\n");
  CHECK(respond([](HeaderStore& store) {
          store.remove("date");
          store.set("date", "mine");
        }).wire == ok + "date: mine\r\n" + alive + "Content-Length: 5\r\n\r\n");
}

TEST_CASE("with a Trailer header end(data) is chunked", "[framing]") {
  const Result result = respond([](HeaderStore& store) { store.set("Trailer", "t"); });
  CHECK(result.wire == ok + "Trailer: t\r\nDate: D\r\n" + alive + chunked);
  CHECK(result.verdict == "chunked trailers, stays");
}

TEST_CASE("a Trailer header where nothing is chunked throws and writes nothing", "[framing]") {
  const std::string expected =
      "ERR_HTTP_TRAILER_INVALID: Trailers are invalid with this transfer encoding";
  const auto trailer = [](HeaderStore& store) { store.set("Trailer", "t"); };
  CHECK(failure([&] { respond(trailer, http10); }) == expected);
  CHECK(failure([&] { respond(trailer, [](ResponseHead& head) { head.isHead = true; }); }) ==
        expected);
  CHECK(failure([&] { respond(trailer, [](ResponseHead& head) { head.statusCode = 204; }); }) ==
        expected);
  CHECK(failure([&] {
          respond([](HeaderStore& store) {
            store.set("Trailer", "t");
            store.set("Content-Length", 5);
          });
        }) == expected);
  CHECK(respond(
            [](HeaderStore& store) {
              store.set("Trailer", "t");
              store.set("Transfer-Encoding", "chunked");
            },
            [](ResponseHead& head) { head.isHead = true; })
            .verdict == "none no body, stays");

  HeaderStore headers;
  trailer(headers);
  ByteBuffer out;
  CHECK_THROWS_AS(composeResponseHead(out, {.headers = headers, .http10 = true}), Error);
  CHECK(out.empty());
}

TEST_CASE("headers of writeHead alone go to the wire as they are and not into the store",
          "[framing]") {
  HeaderStore store;
  const Headers given{{"B", 1}, {"Connection", "close"}, {"b", 2}, {"Content-Length", 7}};
  ByteBuffer out;
  const HeadFraming framing =
      composeResponseHead(out, {.headers = store, .writeHeadHeaders = &given, .dateLine = date});
  CHECK(out.view() ==
        ok + "B: 1\r\nConnection: close\r\nb: 2\r\nContent-Length: 7\r\nDate: D\r\n\r\n");
  CHECK(verdict(framing) == "sized 7, closes");
  CHECK(store.empty());
}

TEST_CASE("removals count for headers of writeHead as well", "[framing]") {
  const Headers given{{"A", 1}};
  const auto edit = [&](ResponseHead& head) { head.writeHeadHeaders = &given; };
  CHECK(respond([](HeaderStore& store) { store.remove("date"); }, edit).wire ==
        ok + "A: 1\r\n" + alive + "Content-Length: 5\r\n\r\n");
  const Headers dated{{"Date", "mine"}};
  CHECK(respond([](HeaderStore& store) { store.remove("date"); },
                [&](ResponseHead& head) { head.writeHeadHeaders = &dated; })
            .wire == ok + "Date: mine\r\n" + alive + "Content-Length: 5\r\n\r\n");
}

TEST_CASE("headers of writeHead win over stored ones, in place, and can be asked for",
          "[framing]") {
  HeaderStore store;
  store.set("A", "1");
  store.set("B", "2");
  const Headers given{{"b", 3}, {"C", 4}, {"a", {"5", "6"}}};
  ByteBuffer out;
  composeResponseHead(
      out,
      {.headers = store, .writeHeadHeaders = &given, .keepAliveLine = keepAlive, .dateLine = date});
  CHECK(out.view() == ok + "a: 5\r\na: 6\r\nb: 3\r\nC: 4\r\nDate: D\r\n" + alive + chunked);
  CHECK(store.get("b") == "3");
}

TEST_CASE("invalid headers of writeHead throw before anything is written or stored", "[framing]") {
  for (const bool withStore : {false, true}) {
    HeaderStore store;
    if (withStore) store.set("A", "1");
    ByteBuffer out;
    const Headers badName{{"a", 2}, {"na me", "x"}};
    const Headers badValue{{"a", 2}, {"Name", "x\r\ny"}};
    CHECK(failure([&] {
            composeResponseHead(out, {.headers = store, .writeHeadHeaders = &badName});
          }) == "ERR_INVALID_HTTP_TOKEN: Header name must be a valid HTTP token [\"na me\"]");
    CHECK(failure([&] {
            composeResponseHead(out, {.headers = store, .writeHeadHeaders = &badValue});
          }) == "ERR_INVALID_CHAR: Invalid character in header content [\"Name\"]");
    CHECK(out.empty());
    CHECK(store.wire() == (withStore ? "A: 1\r\n" : ""));
  }
}

TEST_CASE("cookies and unique headers are on one line, other lists on several", "[framing]") {
  const Texts unique{"x-one"};
  const auto edit = [&](ResponseHead& head) { head.uniqueHeaders = unique; };
  const auto set = [](HeaderStore& store) {
    store.set("Cookie", {"1", "2"});
    store.set("X-One", {"3", "4", "5"});
    store.set("Set-Cookie", {"6", "7"});
    store.set("Empty", Texts{});
  };
  const std::string rest = "Date: D\r\n" + alive + "Content-Length: 5\r\n\r\n";
  CHECK(respond(set, edit).wire == ok +
                                       "Cookie: 1; 2\r\nX-One: 3; 4; 5\r\nSet-Cookie: 6\r\n"
                                       "Set-Cookie: 7\r\n" +
                                       rest);
  const Headers given{{"x-one", 1}, {"cookie", "a"}, {"Z", 2},
                      {"X-One", 3}, {"cookie", "b"}, {"z", 4}};
  CHECK(respond([&](ResponseHead& head) {
          edit(head);
          head.writeHeadHeaders = &given;
        }).wire == ok + "x-one: 1; 3\r\ncookie: a; b\r\nZ: 2\r\nz: 4\r\n" + rest);
}

TEST_CASE("a request without Host and one too many are answered in Node's bytes", "[framing]") {
  const Headers close{{"Connection", "close"}};
  CHECK(respond([&](ResponseHead& head) {
          head.statusCode = 400;
          head.writeHeadHeaders = &close;
          head.bodyLength = std::nullopt;
        }).wire == "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nDate: D\r\n" + chunked);
  CHECK(respond([](ResponseHead& head) {
          head.statusCode = 503;
          head.lastRequest = true;
          head.bodyLength = std::nullopt;
        }).wire ==
        "HTTP/1.1 503 Service Unavailable\r\nDate: D\r\nConnection: close\r\n" + chunked);
  CHECK(respond([](ResponseHead& head) {
          head.statusCode = 417;
          head.bodyLength = std::nullopt;
        }).wire == "HTTP/1.1 417 Expectation Failed\r\nDate: D\r\n" + alive + chunked);
}

TEST_CASE("a request says method and path, its headers, Connection and the length", "[framing]") {
  const auto set = [](HeaderStore& store) {
    store.set("X", {"1", "2"});
    store.set("Cookie", {"a", "b"});
  };
  const std::string head = "POST /p?q HTTP/1.1\r\nHost: h\r\n";
  const std::string lines = "X: 1\r\nX: 2\r\nCookie: a; b\r\nConnection: keep-alive\r\n";
  CHECK(request(set, [](RequestHead& in) { in.bodyLength = 3; }).wire ==
        head + lines + "Content-Length: 3\r\n\r\n");
  CHECK(request(set, [](RequestHead& in) { in.bodyLength = 0; }).wire ==
        head + lines + "Content-Length: 0\r\n\r\n");
  CHECK(request(set, [](RequestHead& in) { in.bodyFollows = true; }).wire ==
        head + lines + chunked);
  CHECK(request([](RequestHead&) {}).verdict == "chunked trailers, stays");
  CHECK(request([](RequestHead& in) { in.shouldKeepAlive = false; }).wire ==
        head + closes + chunked);
}

TEST_CASE("methods that expect no body get no framing until there is one", "[framing]") {
  for (const std::string method : {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE"}) {
    const std::string head = method + " /p?q HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n";
    for (const auto& length : {std::optional<std::uint64_t>(0), std::optional<std::uint64_t>()}) {
      const Result bare = request([&](RequestHead& in) {
        in.method = method;
        in.bodyLength = length;
      });
      CHECK(bare.wire == head + "\r\n");
      CHECK(bare.verdict == "none no body, stays");
    }
    const Result sized = request([&](RequestHead& in) {
      in.method = method;
      in.bodyLength = 4;
    });
    CHECK(sized.wire == head + "Content-Length: 4\r\n\r\n");
    CHECK(sized.verdict == "sized 4, stays");
    const Result written = request([&](RequestHead& in) {
      in.method = method;
      in.bodyFollows = true;
    });
    CHECK(written.wire == head + chunked);
    CHECK(written.verdict == "chunked trailers, stays");
  }
  for (const std::string method : {"POST", "PUT", "PATCH", "QUERY", "FOO", "get"}) {
    CHECK(request([&](RequestHead& in) {
            in.method = method;
            in.bodyLength = 0;
          }).verdict == "sized 0, stays");
  }
}

TEST_CASE("what a CONNECT writes is the tunnel's, and no body", "[framing]") {
  for (const auto& length : {std::optional<std::uint64_t>(4), std::optional<std::uint64_t>()}) {
    const Result written = request([&](RequestHead& in) {
      in.method = "CONNECT";
      in.bodyLength = length;
      in.bodyFollows = true;
    });
    CHECK(written.wire == "CONNECT /p?q HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
    CHECK(written.verdict.starts_with("untilClose"));
  }
}

TEST_CASE("framing and Connection that a request's user sets are not doubled", "[framing]") {
  const std::string head = "POST /p?q HTTP/1.1\r\nHost: h\r\n";
  const auto length = [](HeaderStore& store) { store.set("content-length", 6); };
  CHECK(request(length).wire == head + "content-length: 6\r\nConnection: keep-alive\r\n\r\n");
  CHECK(request(length).verdict == "sized 6, stays");
  const auto encoding = [](HeaderStore& store) { store.set("Transfer-Encoding", "chunked"); };
  CHECK(request(encoding).wire ==
        head + "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n");
  CHECK(request(encoding).verdict == "chunked trailers, stays");
  CHECK(nameOfFailure([] {
          request([](HeaderStore& store) { store.set("Transfer-Encoding", "gzip"); });
        }) == "ERR_HTTP_INVALID_HEADER_VALUE");
  const auto close = [](HeaderStore& store) { store.set("connection", "close"); };
  CHECK(request(close, [](RequestHead& in) { in.bodyLength = 0; }).wire ==
        head + "connection: close\r\nContent-Length: 0\r\n\r\n");
  CHECK(request(close).verdict == "chunked trailers, closes");
  CHECK(request([](HeaderStore& store) { store.set("Connection", "keep-alive"); },
                [](RequestHead& in) { in.shouldKeepAlive = false; })
            .verdict == "chunked trailers, stays");
}

TEST_CASE("removed automatic headers of a request stay away, and with both no body is sent",
          "[framing]") {
  const std::string head = "POST /p?q HTTP/1.1\r\nHost: h\r\n";
  const auto sized = [](RequestHead& in) { in.bodyLength = 3; };
  CHECK(request([](HeaderStore& store) { store.remove("content-length"); }, sized).wire ==
        head + "Connection: keep-alive\r\n" + chunked);
  const auto encoding = [](HeaderStore& store) { store.remove("transfer-encoding"); };
  CHECK(request(encoding, sized).verdict == "sized 3, stays");
  CHECK(request(encoding).verdict == "none no body, stays");
  CHECK(request([](HeaderStore& store) { store.remove("connection"); }, sized).wire ==
        head + "Content-Length: 3\r\n\r\n");
  for (const char* method : {"POST", "GET"}) {
    const auto bare = [method](RequestHead& in) {
      in.method = method;
      in.setDefaultHeaders = false;
      in.bodyFollows = true;
    };
    CHECK(request(bare).wire == std::string(method) + " /p?q HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(request(bare).verdict == "none no body, stays");
    CHECK(request([](HeaderStore& store) { store.set("Content-Length", 2); }, bare).verdict ==
          "sized 2, stays");
  }
}

TEST_CASE("a Trailer header makes a request's body chunked, without a body it throws",
          "[framing]") {
  const auto trailer = [](HeaderStore& store) { store.set("Trailer", "t"); };
  CHECK(request(trailer, [](RequestHead& in) { in.bodyLength = 3; }).verdict ==
        "chunked trailers, stays");
  CHECK(failure([&] { request(trailer, [](RequestHead& in) { in.method = "GET"; }); }) ==
        "ERR_HTTP_TRAILER_INVALID: Trailers are invalid with this transfer encoding");
}

TEST_CASE("methods and paths are refused byte by byte before anything is written", "[framing]") {
  for (int byte = 0; byte < 256; ++byte) {
    INFO("byte " << byte);
    const std::string path = std::string("/a") + static_cast<char>(byte);
    CHECK(failure([&] { request([&](RequestHead& in) { in.path = path; }); }) ==
          (byte > 0x20 ? "nothing"
                       : "ERR_UNESCAPED_CHARACTERS: Request path contains unescaped characters"));
  }
  CHECK(failure([] { request([](RequestHead& in) { in.path = ""; }); }) ==
        "ERR_UNESCAPED_CHARACTERS: Request path contains unescaped characters");
  for (const std::string method : {"", "GE T", "GET\r\n", "G/T"}) {
    CHECK(failure([&] { request([&](RequestHead& in) { in.method = method; }); }) ==
          "ERR_INVALID_HTTP_TOKEN: Method must be a valid HTTP token [\"" + method + "\"]");
  }
}

TEST_CASE("chunks have lower-case hexadecimal sizes", "[framing]") {
  ByteBuffer out;
  appendChunkHead(out, 1);
  out.append('x');
  appendChunkEnd(out);
  appendChunkHead(out, 0x89ABCDEFU);
  appendLastChunk(out);
  CHECK(out.view() == "1\r\nx\r\n89abcdef\r\n0\r\n\r\n");
}

TEST_CASE("trailers follow the last chunk, a line for each value but of unique names",
          "[framing]") {
  const Headers trailers{{"T", {"1", "2"}}, {"cookie", {"a", "b"}}, {"X-One", {"3", "4"}}};
  const Texts unique{"x-one"};
  ByteBuffer out;
  appendLastChunk(out, &trailers, unique);
  CHECK(out.view() == "0\r\nT: 1\r\nT: 2\r\ncookie: a\r\ncookie: b\r\nX-One: 3; 4\r\n\r\n");
  out.clear();
  const Headers none;
  appendLastChunk(out, &none);
  CHECK(out.view() == "0\r\n\r\n");
}

TEST_CASE("trailers are refused under their own name before anything is written", "[framing]") {
  ByteBuffer out;
  const Headers badName{{"ok", 1}, {"t t", "1"}};
  const Headers badValue{{"ok", 1}, {"t", "1\n"}};
  CHECK(failure([&] { appendLastChunk(out, &badName); }) ==
        "ERR_INVALID_HTTP_TOKEN: Trailer name must be a valid HTTP token [\"t t\"]");
  CHECK(failure([&] { validateTrailers(badValue); }) ==
        "ERR_INVALID_CHAR: Invalid character in trailer content [\"t\"]");
  CHECK(failure([&] { appendLastChunk(out, &badValue); }) ==
        "ERR_INVALID_CHAR: Invalid character in trailer content [\"t\"]");
  CHECK(out.empty());
}

TEST_CASE("100 and 102 are bare status lines", "[framing]") {
  ByteBuffer out;
  appendContinue(out);
  appendProcessing(out);
  CHECK(out.view() == "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n");
}

TEST_CASE("an informational response has a code from 102 to 199", "[framing]") {
  // 100 is writeContinue()'s, and after 101 the connection speaks something else.
  ByteBuffer out;
  for (const int status : {100, 101}) {
    CHECK(failure([&] { appendInformation(out, status, {}); }) ==
          "ERR_HTTP_INVALID_STATUS_CODE: Invalid status code of an informational response: " +
              std::to_string(status));
  }
  for (const int status : {0, 99, 200, 999}) {
    CHECK(failure([&] { appendInformation(out, status, {}); }) ==
          "ERR_OUT_OF_RANGE: The value of \"statusCode\" is out of range. It must be >= 100 && <= "
          "199. Received " +
              std::to_string(status));
  }
  CHECK(out.empty());
  appendInformation(out, 102, {});
  appendInformation(out, 199, {{"a", "b"}});
  CHECK(out.view() == "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 unknown\r\na: b\r\n\r\n");
}

TEST_CASE("early hints have the links first, on one line", "[framing]") {
  ByteBuffer out;
  CHECK(appendEarlyHints(
      out, {{"X-A", 1}, {"LINK", {"<a>; rel=preload", "<b>; as=\"x\""}}, {"b", {"2", "3"}}}));
  CHECK(out.view() ==
        "HTTP/1.1 103 Early Hints\r\nLink: <a>; rel=preload, <b>; as=\"x\"\r\nX-A: 1\r\n"
        "b: 2\r\nb: 3\r\n\r\n");
}

TEST_CASE("early hints without a link send nothing", "[framing]") {
  ByteBuffer out;
  CHECK_FALSE(appendEarlyHints(out, {}));
  CHECK_FALSE(appendEarlyHints(out, {{"X-A", 1}}));
  CHECK_FALSE(appendEarlyHints(out, {{"Link", ""}}));
  CHECK_FALSE(appendEarlyHints(out, {{"Link", Texts{}}}));
  CHECK(out.empty());
}

TEST_CASE("links of early hints have a form", "[framing]") {
  for (const char* link : {"<>", "</a.css>", "</a>; rel=preload", "<a>;b", "<a> ; b ; c=d",
                           "<a>; as=\"x\"", "<a>; as=\"\";b", "<a>; x==", "<a>; a=b=\"c\""}) {
    INFO(link);
    ByteBuffer out;
    CHECK(appendEarlyHints(out, {{"link", link}}));
    CHECK(out.view() == std::string("HTTP/1.1 103 Early Hints\r\nLink: ") + link + "\r\n\r\n");
  }
  for (const char* link :
       {"bad", "<a", "a>", "<a> ", "<a>;", "<a>; ", "<a>; b ", "<a>; \"x\"", "<a>; as=\"x",
        "<a>; as\"x\"", "<a>; =\"x\"", "<a>; as=\"x y\"", "<a>; as=\"x\"y", "<a>, <b>"}) {
    INFO(link);
    ByteBuffer out;
    CHECK(failure([&] {
            appendEarlyHints(out, {{"link", link}});
          }) ==
          std::string("ERR_INVALID_ARG_VALUE: The argument 'hints' must be an array or string of "
                      "format \"</styles.css>; rel=preload; as=style\". Received '") +
              link + "'");
    CHECK(out.empty());
  }
}

TEST_CASE("early hints are validated as other headers are", "[framing]") {
  ByteBuffer out;
  CHECK(failure([&] {
          appendEarlyHints(out, {{"link", "<a>"}, {"a b", "c"}});
        }) == "ERR_INVALID_HTTP_TOKEN: Header name must be a valid HTTP token [\"a b\"]");
  CHECK(failure([&] {
          appendEarlyHints(out, {{"link", "<a\r\nb>"}});
        }) == "ERR_INVALID_CHAR: Invalid character in header content [\"link\"]");
  CHECK(out.empty());
}

TEST_CASE("replies to what could not be understood have exactly Node's bytes", "[framing]") {
  CHECK(badRequestReply == "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  CHECK(requestTimeoutReply == "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n");
  CHECK(payloadTooLargeReply == "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n");
  CHECK(headerFieldsTooLargeReply ==
        "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n");
}
