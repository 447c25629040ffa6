// SPDX-License-Identifier: BSL-1.0
//
// Definitions of wanted_request.hpp.
#pragma once

#include <algorithm>
#include <functional>
#include <sluice/encoding.hpp>
#include <sluice/error.hpp>
#include <sluice/http/agent.hpp>
#include <sluice/http/detail/client/agent_state.hpp>
#include <sluice/http/detail/client/wanted_request.hpp>
#include <sluice/http/detail/wire/header_chars.hpp>
#include <typeinfo>

namespace sluice::http::detail {

// An assignment costs as much if there is nothing to assign, which is what most options are.
template <class Value>
void assignIfSet(Value& to, const Value& from) {
  if (!to.empty() || !from.empty()) to = from;
}
template <class Result, class... Arguments>
void assignIfSet(std::function<Result(Arguments...)>& to,
                 const std::function<Result(Arguments...)>& from) {
  if (to || from) to = from;
}
// The request before this one was mostly a similar one.
inline void assignIfOther(std::string& to, const std::string& from) {
  if (to != from) to = from;
}

SLUICE_DECL void WantedRequest::set(const RequestOptions& options) {
  // All of them by name, so that none can be forgotten.
  const auto& [agent, auth, host, hostname, localAddress, method, path, protocol, socketPath, port,
               defaultPort, localPort, family, headers, timeout, deadline, connectTimeout, setHost,
               setDefaultHeaders, insecureHTTPParser, joinDuplicateHeaders, maxHeaderSize,
               uniqueHeaders, createConnection, lookup, signal, retryStale, highWaterMark, tls] =
      options;
  options_.agent = agent;
  assignIfSet(options_.auth, auth);
  assignIfOther(options_.host, host);
  // As resolve() would.
  assignIfOther(options_.hostname, hostname.empty() ? host : hostname);
  assignIfSet(options_.localAddress, localAddress);
  assignIfOther(options_.method, method);
  assignIfOther(options_.path, path);
  assignIfOther(options_.protocol, protocol);
  assignIfSet(options_.socketPath, socketPath);
  options_.port = port;
  options_.defaultPort = defaultPort;
  options_.localPort = localPort;
  options_.family = family;
  assignIfSet(options_.headers, headers);
  options_.timeout = timeout;
  options_.deadline = deadline;
  options_.connectTimeout = connectTimeout;
  options_.setHost = setHost;
  options_.setDefaultHeaders = setDefaultHeaders;
  options_.insecureHTTPParser = insecureHTTPParser;
  options_.joinDuplicateHeaders = joinDuplicateHeaders;
  options_.maxHeaderSize = maxHeaderSize;
  assignIfSet(options_.uniqueHeaders, uniqueHeaders);
  assignIfSet(options_.createConnection, createConnection);
  assignIfSet(options_.lookup, lookup);
  options_.signal = signal;
  options_.retryStale = retryStale;
  options_.highWaterMark = highWaterMark;
  options_.tls = tls;
}

SLUICE_DECL void WantedRequest::forget() {
  options_.agent = {};
  options_.createConnection = nullptr;
  options_.lookup = nullptr;
  options_.signal = {};
  options_.tls = nullptr;
  way_ = nullptr;
}

SLUICE_DECL void WantedRequest::resolve(Agent& agent) {
  sluice::detail::requireIdleTime("timeout", options_.timeout);
  sluice::detail::requireIdleTime("deadline", options_.deadline);
  sluice::detail::requireIdleTime("connectTimeout", options_.connectTimeout);
  sluice::detail::requireIdleTime("msecs", agent.options().timeout);
  if (options_.hostname.empty()) options_.hostname = options_.host;
  if (options_.hostname.empty()) options_.hostname = "localhost";
  std::string& host = options_.hostname;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (options_.method.empty()) options_.method = "GET";
  if (!isToken(options_.method)) {
    throw Error(make_error_code(errc::ERR_INVALID_HTTP_TOKEN),
                "Method must be a valid HTTP token [\"" + options_.method + "\"]");
  }
  for (char& letter : options_.method) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  if (options_.path.empty()) options_.path = "/";
  const auto escaped = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7F; };
  if (!std::all_of(options_.path.begin(), options_.path.end(), escaped)) {
    throw Error(make_error_code(errc::ERR_UNESCAPED_CHARACTERS));
  }
  if (options_.protocol.empty()) options_.protocol = agent.protocol;
  if (options_.protocol != agent.protocol) {
    throw Error(make_error_code(errc::ERR_INVALID_PROTOCOL), "Protocol \"" + options_.protocol +
                                                                 "\" not supported. Expected \"" +
                                                                 agent.protocol + "\"");
  }
  if (options_.defaultPort == 0) options_.defaultPort = agent.defaultPort;
  if (options_.port == 0) options_.port = options_.defaultPort;
  chooseWay(AgentAccess::state(agent));
  std::string name;
  // Before it was others, and connections that go another way are not for this request.
  if (way_ && !way_->host.empty() && AgentAccess::state(agent).changesProxies()) {
    name = " by " + way_->host + std::string(PortText(way_->port));
  }
  place_.lead(options_, name);
  sharesConnection_ = agent.sharesConnection(options_);
  if (typeid(agent) != typeid(Agent)) place_.rename(agent.getName(options_) + name);
  proxied_ = false;
  if (way_ && !way_->host.empty()) tellProxy();
}

// Once for the head of the request and for its connection: what is said to a proxy is not for a
// server.
SLUICE_DECL void WantedRequest::chooseWay(const AgentState& agent) {
  static const Proxy direct;
  way_ = nullptr;
  if (!agent.hasProxies() || !options_.socketPath.empty() || options_.createConnection) return;
  way_ = agent.proxyFor(options_.hostname, options_.port);
  if (!way_) way_ = std::shared_ptr<const Proxy>(std::shared_ptr<const Proxy>(), &direct);
}

// Over TLS the proxy is told by a CONNECT instead, when the connection is opened.
SLUICE_DECL void WantedRequest::tellProxy() {
  if (options_.protocol != "http:" || isConnect()) return;
  // What begins otherwise would be part of the host, or of another one.
  if (!options_.path.starts_with('/')) {
    throw Error(make_error_code(errc::ERR_PROXY_INVALID_CONFIG),
                "A request through a proxy has a path that begins with /");
  }
  proxied_ = true;
  target_ = "http://" + place_.hostHeader() + options_.path;
}

// As Node's !getHeader(name): an empty text is none.
inline bool isBlank(const HeaderStore& headers, std::string_view name) {
  return headers.text(name).empty() && (!headers.has(name) || headers.get(name).isString());
}

SLUICE_DECL void WantedRequest::addHeaders(HeaderStore& headers, bool keepAlive) const {
  if (!options_.headers.empty()) headers.merge(options_.headers);
  const bool wantsHost =
      options_.setHost && (options_.setDefaultHeaders || options_.setHost.said());
  if (wantsHost && isBlank(headers, "host")) {
    const std::string& host =
        isConnect() && options_.path != "/" ? options_.path : place_.hostHeader();
    if (headers.has("host")) {
      headers.set("Host", host);
    } else {
      headers.addHost(host);
    }
  }
  if (!options_.auth.empty() && isBlank(headers, "authorization")) {
    headers.set("Authorization", "Basic " + toText(options_.auth, Encoding::base64));
  }
  if (!proxied_) return;
  // RFC 9112 §3.2.2: Host says the same as the URL, and a proxy goes by the URL.
  if (headers.has("host") && options_.headers.has("host")) {
    const auto host = headers.text("host");
    if (host != place_.hostHeader()) {
      throw Error(make_error_code(errc::ERR_PROXY_INVALID_CONFIG),
                  "A request through a proxy has the Host header of its URL");
    }
  }
  headers.set("Proxy-Connection", std::string_view(keepAlive ? "keep-alive" : "close"));
  if (!way_->authorization.empty()) headers.set("Proxy-Authorization", way_->authorization);
}

}  // namespace sluice::http::detail
