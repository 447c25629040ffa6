// SPDX-License-Identifier: BSL-1.0
//
// What a request is to be: the options it was given, made whole with what its agent and the
// defaults say, and the headers that follow from them. It is made for one request after the other,
// and copies and builds only what differs from the one before.
#pragma once

#include <sluice/config.hpp>
#include <memory>
#include <sluice/http/detail/client/proxies.hpp>
#include <sluice/http/detail/client/request_place.hpp>
#include <sluice/http/detail/wire/header_store.hpp>
#include <sluice/http/request_options.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::http::detail {

class AgentState;

class WantedRequest {
 public:
  void set(const RequestOptions& options);
  void set(RequestOptions&& options) { options_ = std::move(options); }
  void setMethod(std::string_view method) { options_.method = method; }
  /// Lets go of what of the options is somebody's; the rest is written over.
  void forget();

  /// Looks at the options.
  ///
  /// throws  ERR_INVALID_PROTOCOL, ERR_UNESCAPED_CHARACTERS, ERR_INVALID_HTTP_TOKEN
  void resolve(Agent& agent);
  /// Adds the headers of the options, Host and Authorization.
  ///
  /// throws  ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR
  void addHeaders(HeaderStore& headers, bool keepAlive) const;

  const RequestOptions& options() const { return options_; }
  /// What the request line says: a proxy is told the whole URL.
  const std::string& target() const { return proxied_ ? target_ : options_.path; }
  /// What the agent calls connections that lead where it goes.
  const std::string& placeName() const { return place_.name(); }
  /// Its connection may serve other requests.
  bool sharesConnection() const { return sharesConnection_; }
  /// The proxy on the way, or a Proxy without a host; null: its agent has none.
  const std::shared_ptr<const Proxy>& way() const { return way_; }
  bool isConnect() const { return std::string_view(options_.method) == "CONNECT"; }

 private:
  void chooseWay(const AgentState& agent);
  void tellProxy();

  RequestOptions options_;
  RequestPlace place_;
  bool sharesConnection_ = true;
  bool proxied_ = false;
  std::string target_;
  std::shared_ptr<const Proxy> way_;
};

}  // namespace sluice::http::detail
