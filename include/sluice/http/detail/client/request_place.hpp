// SPDX-License-Identifier: BSL-1.0
//
// Where a request leads: the name that an agent gives to the connections which lead there, and what
// the Host header says. Both are made anew only if a request leads elsewhere than the one
// before.
#pragma once

#include <sluice/config.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <sluice/http/request_options.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::http::detail {

/// A port after its colon.
class PortText {
 public:
  explicit PortText(std::uint16_t port)
      : end_(std::to_chars(text_ + 1, text_ + sizeof(text_), port).ptr) {}
  operator std::string_view() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }

 private:
  char text_[6] = {':'};
  const char* end_;
};

/// What Agent::getName() says of the options.
void appendPlaceName(std::string& name, const RequestOptions& options);

class RequestPlace {
 public:
  /// From here on it is where these options lead, which name a host and its ports. `way` is part of
  /// its name.
  void lead(const RequestOptions& options, std::string_view way) {
    const bool same = options.hostname == hostname_ && options.port == port_ &&
                      options.defaultPort == defaultPort_ && options.family == family_ &&
                      options.localAddress == localAddress_ && options.socketPath == socketPath_ &&
                      way == way_;
    if (!same) move(options, way);
  }
  /// Its agent calls it otherwise.
  void rename(std::string name) { name_ = std::move(name); }

  const std::string& name() const { return name_; }
  const std::string& hostHeader() const { return hostHeader_; }

 private:
  void move(const RequestOptions& options, std::string_view way);

  std::string name_;
  std::string hostHeader_;
  std::string hostname_;
  std::string localAddress_;
  std::string socketPath_;
  std::string way_;
  int family_ = 0;
  std::uint16_t port_ = 0;
  std::uint16_t defaultPort_ = 0;
};

}  // namespace sluice::http::detail
