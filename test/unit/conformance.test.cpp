// SPDX-License-Identifier: BSL-1.0
//
// Whole conversations, from the examples of the RFCs and from what is known of request smuggling:
// where two readers could disagree about the end of a message, this one refuses.
#include <string>
#include <support/catch.hpp>
#include <support/every_split.hpp>

using namespace sluice::test;

namespace {

const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("RFC 9112 §2.1, §3.2: requests in all four forms", "[conformance]") {
  CHECK(request("GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: "
                "www.example.com\r\nAccept-Language: en, mi\r\n\r\n") ==
        "GET /hello.txt 11\n| User-Agent: curl/7.64.1\n| Host: www.example.com\n| Accept-Language: "
        "en, mi\nend\n");
  CHECK(request("GET http://www.example.org/pub/WWW/ HTTP/1.1\r\nHost: www.example.org\r\n\r\n") ==
        "GET http://www.example.org/pub/WWW/ 11\n| Host: www.example.org\nend\n");
  CHECK(request("CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com\r\n\r\n") ==
        "CONNECT www.example.com:80 11\n| Host: www.example.com\nend\n");
  CHECK(request("OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n") ==
        "OPTIONS * 11\n| Host: www.example.org:8001\nend\n");
}

TEST_CASE("RFC 9112 §7.1.2: a chunked message with trailers", "[conformance]") {
  CHECK(response("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: "
                 "chunked\r\nTrailer: Expires\r\n\r\n7\r\nMozilla\r\n11\r\nDeveloper "
                 "Network\r\n0\r\nExpires: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n") ==
        "200 [OK] 11 chunked\n| Content-Type: text/plain\n| Transfer-Encoding: chunked\n| Trailer: "
        "Expires\nbody MozillaDeveloper Network\n+ Expires: Wed, 21 Oct 2015 07:28:00 GMT\nend\n");
}

TEST_CASE("RFC 9112 §9.3.2: pipelined requests are read one behind the other", "[conformance]") {
  CHECK(
      request("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPUT /2 HTTP/1.1\r\nHost: "
              "a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nd\r\n0\r\n\r\n\r\nGET /3 "
              "HTTP/1.1\r\nHost: a\r\n\r\n") ==
      "POST /1 11 sized=3\n| Host: a\n| Content-Length: 3\nbody abc\nend\n"
      "PUT /2 11 chunked\n| Host: a\n| Transfer-Encoding: chunked\nbody d\nend\n"
      "GET /3 11\n| Host: a\nend\n");
}

TEST_CASE("RFC 9110 §10.1.1: a request that waits for 100, and the answers to it",
          "[conformance]") {
  CHECK(
      request("PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n") ==
      "PUT /a 11 continue sized=1\n| Host: a\n| Content-Length: 1\n| Expect: 100-continue\nneeds "
      "more body\n");
  CHECK(response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
                 "PUT") == "100 [Continue] 11\nend\n201 [Created] 11\n| Content-Length: 0\nend\n");
}

TEST_CASE("RFC 9110 §7.8: an upgrade and its answer", "[conformance]") {
  CHECK(request("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
                "websocket\r\n\r\n\x81\x01") ==
        "GET /chat 11 upgrade\n| Host: a\n| Connection: keep-alive, Upgrade\n| Upgrade: "
        "websocket\nend\n");
}

TEST_CASE("RFC 9112 §11.2: no request hides in a body of doubtful length", "[conformance]") {
  const std::string lines =
      GENERATE("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
               "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
               "Transfer-Encoding: gzip\r\nContent-Length: 6\r\n",
               "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding : chunked\r\n",
               "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
               "Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n",
               "Transfer-Encoding:\x0B"
               "chunked\r\n",
               "Transfer-Encoding: \"chunked\"\r\n", "Transfer-Encoding: chunked;a\r\n",
               "Transfer-Encoding:\r\n chunked\r\n", "X: y\nTransfer-Encoding: chunked\r\n",
               "X: y\rTransfer-Encoding: chunked\r\n", " Transfer-Encoding: chunked\r\n",
               "Transfer-Encoding\r\n: chunked\r\n", "Content-Length: 6\r\nContent-Length: 5\r\n",
               "Content-Length: 6, 5\r\n", "Content-Length: +6\r\n", "Content-Length: 6 5\r\n",
               "Content-Length: 0x6\r\n", "Content-Length : 6\r\n", "Content\rLength: 6\r\n");
  const std::string text =
      request("POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n0\r\n\r\n" + hidden);
  CHECK(text.find("HPE_") == 0);
  CHECK(text.find("--- but") == std::string::npos);
}

TEST_CASE("RFC 9112 §7.1: no request hides between chunks", "[conformance]") {
  const std::string body = GENERATE(
      "5\r\nabcde0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n", "5;a\nabcde\r\n0\r\n\r\n",
      "5 ;a\r\nabcde\r\n0\r\n\r\n", "5;a=\"\r\nabcde\r\n0\r\n\r\n", "5\r\r;ABCD\r\n0\r\n\r\n",
      "5;a\rX\r\nabcde\r\n0\r\n\r\n", "-1\r\nabcde\r\n0\r\n\r\n", "5\r\nabcdeXX0\r\n\r\n",
      "10000000000000005\r\nabcde\r\n0\r\n\r\n", "0\r\nContent-Length: 9\r\n\r\n", "0\r\n\n",
      "0\r\n\rX");
  const std::string text =
      request("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body + hidden);
  CHECK(text.find("HPE_") != std::string::npos);
  CHECK(text.find("/hidden") == std::string::npos);
  CHECK(text.find("--- but") == std::string::npos);
}

TEST_CASE("RFC 9112 §11.1: no response is split off by what a header carries", "[conformance]") {
  CHECK(verdict(response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\nHTTP/1.1 200 B\r\n\r\n")) ==
        "CR_EXPECTED");
  CHECK(verdict(response("HTTP/1.1 200 OK\r\nX: a\rContent-Length: 0\r\n\r\n")) == "LF_EXPECTED");
  CHECK(verdict(response("HTTP/1.1 204 No\r\n\r\n0\r\n\r\n")) == "INVALID_CONSTANT");
}

TEST_CASE("bytes of another protocol are refused at the first of them", "[conformance]") {
  CHECK(request("\x16\x03\x01\x02") == "HPE_INVALID_METHOD\nat 0\n");
  CHECK(request(std::string("\0", 1)) == "HPE_INVALID_METHOD\nat 0\n");
  CHECK(response("SSH-2.0") == "HPE_INVALID_CONSTANT\nat 0\n");
}
