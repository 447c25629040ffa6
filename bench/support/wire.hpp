// SPDX-License-Identifier: BSL-1.0
//
// What the bare programs share: sockets on loopback, the requests that are sent everywhere, and how
// long a message is. None of it is on a hot path, and none of it uses the library.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sluice::bench {

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

inline sockaddr_in loopback(unsigned port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<in_port_t>(port));
  return address;
}

/// A connection that does not block. `receiveBuffer` 0: what the kernel chooses.
inline int connectTo(unsigned port, int receiveBuffer = 0) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receiveBuffer != 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, sizeof receiveBuffer);
  }
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("connect");
  }
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

inline int listenOn(unsigned& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address = loopback(port);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) fail("bind");
  if (::listen(fd, 4096) != 0) fail("listen");
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

/// The value of a field, "" where it is not there; in the messages of these programs.
inline std::string_view field(std::string_view message, std::string_view name) {
  const std::string_view head = message.substr(0, message.find("\r\n\r\n") + 2);
  const std::string wanted = "\r\n" + std::string(name) + ": ";
  const auto same = [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  };
  const auto at = std::search(head.begin(), head.end(), wanted.begin(), wanted.end(), same);
  if (at == head.end()) return {};
  const std::size_t value = static_cast<std::size_t>(at - head.begin()) + wanted.size();
  return head.substr(value, head.find("\r\n", value) - value);
}

/// Bytes of the message that begins here, head included; 0 where that cannot be said yet.
inline std::size_t messageSize(std::string_view message) {
  const std::size_t end = message.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (field(message, "Transfer-Encoding") == "chunked") {
    const std::size_t last = message.find("\r\n0\r\n\r\n");
    return last == std::string_view::npos ? 0 : last + 7;
  }
  const std::string length(field(message, "Content-Length"));
  return end + 4 + std::strtoull(length.c_str(), nullptr, 10);
}

/// A body of so many bytes in chunks of 4 KiB.
inline std::string chunkedBody(std::size_t size) {
  std::string body;
  for (; size >= 4096; size -= 4096) body += "1000\r\n" + std::string(4096, 'x') + "\r\n";
  return body + "0\r\n\r\n";
}

/// A head as small as can be, or what a browser sends: fourteen fields, about 600 bytes.
inline std::string requestHead(std::string_view method, std::string_view path, bool browser,
                               bool close, std::size_t body, bool chunked = false) {
  std::string head;
  head.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  if (browser) {
    head +=
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
        "Accept-Language: en-US,en;q=0.7,de;q=0.3\r\n"
        "Accept-Encoding: gzip, deflate, br, zstd\r\n"
        "Referer: http://127.0.0.1/a/page/that/links/here.html\r\n"
        "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; seen=1\r\n"
        "Upgrade-Insecure-Requests: 1\r\n"
        "Sec-Fetch-Dest: document\r\n"
        "Sec-Fetch-Mode: navigate\r\n"
        "Sec-Fetch-Site: same-origin\r\n"
        "Sec-Fetch-User: ?1\r\n"
        "Priority: u=0, i\r\n"
        "Cache-Control: max-age=0\r\n";
  }
  if (close) head += "Connection: close\r\n";
  if (chunked) return head + "Transfer-Encoding: chunked\r\n\r\n";
  if (body != 0) head += "Content-Length: " + std::to_string(body) + "\r\n";
  return head + "\r\n";
}

}  // namespace sluice::bench
