// SPDX-License-Identifier: BSL-1.0
//
// Definitions of request_place.hpp.
#pragma once

#include <sluice/http/detail/client/request_place.hpp>

namespace sluice::http::detail {

SLUICE_DECL void appendPlaceName(std::string& name, const RequestOptions& options) {
  if (!options.hostname.empty()) {
    name += options.hostname;
  } else if (!options.host.empty()) {
    name += options.host;
  } else {
    name += "localhost";
  }
  name += options.port != 0 ? std::string_view(PortText(options.port)) : ":";
  name += ':';
  if (!options.localAddress.empty()) name += options.localAddress;
  if (options.family == 4 || options.family == 6) (name += ':') += options.family == 4 ? '4' : '6';
  if (!options.socketPath.empty()) (name += ':') += options.socketPath;
}

SLUICE_DECL void RequestPlace::move(const RequestOptions& options, std::string_view way) {
  hostname_ = options.hostname;
  localAddress_ = options.localAddress;
  socketPath_ = options.socketPath;
  family_ = options.family;
  port_ = options.port;
  defaultPort_ = options.defaultPort;
  way_ = way;

  name_.clear();
  appendPlaceName(name_, options);
  name_ += way_;

  if (!socketPath_.empty()) {
    hostHeader_ = "localhost";
    return;
  }
  const bool address6 = hostname_.find(':') != std::string::npos;
  hostHeader_ = address6 ? '[' + hostname_ + ']' : hostname_;
  if (port_ != defaultPort_) hostHeader_ += PortText(port_);
}

}  // namespace sluice::http::detail
