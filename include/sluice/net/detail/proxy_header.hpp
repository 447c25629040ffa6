// SPDX-License-Identifier: BSL-1.0
//
// The header of HAProxy's PROXY protocol, versions 1 and 2: what a proxy writes before the first
// byte of a connection to say if the connection comes from. Pure: bytes in, addresses out. It
// asks for no more bytes than the header has, so none of what follows has to be put back.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <sluice/net/address.hpp>
#include <span>
#include <string_view>

namespace sluice::net::detail {

class ProxyHeader {
 public:
  enum class Status { needMore, complete, failed };

  /// If the connection comes from and if it went, as the proxy says.
  struct Ends {
    Address remote;
    Address local;
    bool operator==(const Ends&) const = default;
  };

  /// The largest header of version 2: what fits into one packet anywhere.
  static constexpr std::size_t maxSize = 536;
  /// The longest line of version 1, as the protocol has it.
  static constexpr std::size_t maxLine = 107;

  /// If the next bytes are to be put. It ends if the header ends, or before. Empty once the
  /// header is complete or failed.
  std::span<char> room();
  /// So many bytes were put there.
  Status received(std::size_t count);

  Status status() const { return status_; }
  /// Empty if the proxy speaks for itself (LOCAL), or does not say (UNKNOWN), or says it of
  /// something that is no TCP connection.
  const std::optional<Ends>& ends() const { return ends_; }

 private:
  std::string_view text() const { return {bytes_.data(), size_}; }
  std::size_t wanted() const;
  std::size_t wantedOfLine() const;
  Status read();
  Status readLine();
  bool readFields(std::string_view fields);
  Status readBinary();

  std::array<char, maxSize> bytes_{};
  std::size_t size_ = 0;
  Status status_ = Status::needMore;
  std::optional<Ends> ends_;
};

}  // namespace sluice::net::detail
