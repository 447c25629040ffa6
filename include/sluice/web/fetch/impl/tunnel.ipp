// SPDX-License-Identifier: BSL-1.0
//
// Definitions of tunnel.hpp.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/this_coro.hpp>
#include <sluice/detail/ascii.hpp>
#include <sluice/error.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/web/fetch/detail/tunnel.hpp>
#include <utility>

namespace sluice::detail {

SLUICE_DECL std::string_view bareHost(std::string_view hostname) {
  if (hostname.starts_with('[') && hostname.ends_with(']')) {
    return hostname.substr(1, hostname.size() - 2);
  }
  return hostname;
}

SLUICE_DECL std::uint16_t portOf(const http::URL& url) {
  if (!url.port().empty()) return static_cast<std::uint16_t>(std::stoi(std::string(url.port())));
  if (url.protocol() == "https:") return 443;
  return url.protocol() == "http:" ? 80 : 1080;
}

SLUICE_DECL std::string percentDecoded(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size() && hexValue(text[at + 1]) >= 0 &&
        hexValue(text[at + 2]) >= 0) {
      bytes += static_cast<char>(hexValue(text[at + 1]) * 16 + hexValue(text[at + 2]));
      at += 2;
    } else {
      bytes += text[at];
    }
  }
  return bytes;
}

SLUICE_DECL std::string basicAuthorization(std::string_view user, std::string_view password) {
  std::string both(user);
  both.append(":").append(password);
  return "Basic " + toText(both, Encoding::base64);
}

SLUICE_DECL Proxy proxyOf(const http::URL& url) {
  Proxy proxy;
  proxy.isSocks = url.protocol() == "socks5:" || url.protocol() == "socks5h:";
  if ((!proxy.isSocks && url.protocol() != "http:") || url.hostname().empty()) {
    throw http::Error(make_error_code(http::errc::ERR_INVALID_ARG_VALUE),
                      "A proxy must be http://host:port or socks5://host:port");
  }
  proxy.host = bareHost(url.hostname());
  proxy.port = portOf(url);
  proxy.user = percentDecoded(url.username());
  proxy.password = percentDecoded(url.password());
  proxy.hasUser = !proxy.user.empty() || !proxy.password.empty();
  return proxy;
}

SLUICE_DECL std::string Proxy::key() const {
  std::string text = isSocks ? "socks " : "http ";
  text += host + ' ' + std::to_string(port);
  if (hasUser) text += ' ' + basicAuthorization(user, password);
  return text;
}

SLUICE_DECL std::string Proxy::authorization() const {
  return hasUser ? basicAuthorization(user, password) : std::string();
}

[[noreturn]] SLUICE_DECL void throwProxyFailed(const std::string& what) {
  throw http::Error(make_error_code(http::errc::ERR_PROXY_CONNECTION_FAILED), what);
}

inline std::string authority(const std::string& host, std::uint16_t port) {
  const bool isAddress6 = host.find(':') != std::string::npos;
  return (isAddress6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

/// The answer of a proxy to CONNECT takes the socket out of the request.
struct TakeTunnel {
  net::Socket* socket;
  int* status;

  void operator()(http::IncomingMessage& res, net::Socket& connected, std::string_view head) const {
    *status = res.statusCode();
    if (*status < 200 || *status > 299) return;
    *socket = std::move(connected);
    if (!head.empty()) socket->unshift(head);
  }
};

SLUICE_DECL task<net::Socket> connectByHttp(Proxy proxy, net::ConnectionOptions target) {
  http::RequestOptions options;
  options.agent = http::AgentRef(false);
  options.method = "CONNECT";
  options.hostname = proxy.host;
  options.port = proxy.port;
  options.path = authority(target.host, target.port);
  options.headers.set("Host", std::string_view(options.path));
  if (const std::string value = proxy.authorization(); !value.empty()) {
    options.headers.set("Proxy-Authorization", std::string_view(value));
  }
  options.setDefaultHeaders = false;
  options.localAddress = target.localAddress;
  options.family = target.family;
  options.lookup = target.lookup;
  options.highWaterMark = target.highWaterMark;
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  net::Socket socket;
  int status = 0;
  http::ClientRequest req = http::request(executor, std::move(options));
  req.on<"connect">(TakeTunnel{&socket, &status});
  req.end();
  const http::IncomingMessage answer = co_await req.response();
  if (!socket) {
    throwProxyFailed("The proxy answered CONNECT with " + std::to_string(answer.statusCode()) +
                     ' ' + std::string(answer.statusMessage()));
  }
  co_return socket;
}

/// Exactly so many bytes of what the proxy says; what came after them is put back.
SLUICE_DECL task<std::string> readExactly(net::Socket& socket, std::size_t count) {
  std::string bytes;
  while (bytes.size() < count) {
    const auto piece = co_await socket.read();
    if (!piece) throwProxyFailed("The proxy ended the connection");
    const std::string_view wanted = piece->substr(0, count - bytes.size());
    bytes.append(wanted);
    if (wanted.size() < piece->size()) {
      const std::string rest(piece->substr(wanted.size()));
      socket.unshift(std::string_view(rest));
    }
  }
  co_return bytes;
}

/// The target of a SOCKS request: an address as such, and a name for the proxy to resolve.
inline void appendSocksAddress(std::string& out, const std::string& host, std::uint16_t port) {
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(host, ec);
  if (!ec && address.is_v4()) {
    out += '\x01';
    for (const unsigned char byte : address.to_v4().to_bytes()) out += static_cast<char>(byte);
  } else if (!ec) {
    out += '\x04';
    for (const unsigned char byte : address.to_v6().to_bytes()) out += static_cast<char>(byte);
  } else {
    if (host.size() > 255) throwProxyFailed("The name of the host is too long for SOCKS");
    out += '\x03';
    out += static_cast<char>(host.size());
    out += host;
  }
  out += static_cast<char>(port >> 8);
  out += static_cast<char>(port & 0xFF);
}

inline std::string socksFailure(char code) {
  constexpr std::string_view texts[] = {"",
                                        "general failure",
                                        "not allowed by its rules",
                                        "the network is unreachable",
                                        "the host is unreachable",
                                        "the connection was refused",
                                        "the time has run out",
                                        "the command is not supported",
                                        "the kind of address is not supported"};
  const auto index = static_cast<unsigned char>(code);
  const std::string_view text =
      index < std::size(texts) ? texts[index] : std::string_view("unknown reason");
  return "The SOCKS proxy did not connect: " + std::string(text);
}

SLUICE_DECL task<net::Socket> connectBySocks(Proxy proxy, net::ConnectionOptions target) {
  if (proxy.user.size() > 255 || proxy.password.size() > 255) {
    throwProxyFailed("User or password is too long for SOCKS");
  }
  net::ConnectionOptions options = target;
  options.host = proxy.host;
  options.port = proxy.port;
  options.path.clear();
  options.hook = nullptr;
  net::Socket socket = co_await net::connect(options);

  std::string greeting = "\x05\x01";
  greeting += proxy.hasUser ? '\x02' : '\0';
  co_await socket.write(std::string_view(greeting));
  const std::string method = co_await readExactly(socket, 2);
  if (method[0] != '\x05') throwProxyFailed("The proxy does not speak SOCKS 5");
  if (method[1] != greeting[2]) throwProxyFailed("The SOCKS proxy refuses this way to log in");
  if (proxy.hasUser) {
    std::string login = "\x01";
    login += static_cast<char>(proxy.user.size());
    login += proxy.user;
    login += static_cast<char>(proxy.password.size());
    login += proxy.password;
    co_await socket.write(std::string_view(login));
    const std::string answer = co_await readExactly(socket, 2);
    if (answer[1] != '\0') throwProxyFailed("The SOCKS proxy refuses user or password");
  }

  std::string request("\x05\x01\x00", 3);
  appendSocksAddress(request, target.host, target.port);
  co_await socket.write(std::string_view(request));
  const std::string reply = co_await readExactly(socket, 4);
  if (reply[0] != '\x05') throwProxyFailed("The proxy does not speak SOCKS 5");
  if (reply[1] != '\0') throwProxyFailed(socksFailure(reply[1]));
  std::size_t bound = 0;
  if (reply[3] == '\x01') {
    bound = 4;
  } else if (reply[3] == '\x04') {
    bound = 16;
  } else if (reply[3] == '\x03') {
    const std::string size = co_await readExactly(socket, 1);
    bound = static_cast<unsigned char>(size[0]);
  } else {
    throwProxyFailed("The proxy does not speak SOCKS 5");
  }
  co_await readExactly(socket, bound + 2);
  co_return socket;
}

SLUICE_DECL task<net::Socket> connectThrough(Proxy proxy, net::ConnectionOptions target) {
  if (proxy.isSocks) return connectBySocks(std::move(proxy), std::move(target));
  return connectByHttp(std::move(proxy), std::move(target));
}

}  // namespace sluice::detail
