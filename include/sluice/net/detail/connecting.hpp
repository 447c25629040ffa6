// SPDX-License-Identifier: BSL-1.0
//
// One connect() as the coroutine sees it that waits for it. g++ before 14 writes every coroutine
// into every program that is compiled without optimization, with all that it calls by name: so this
// one names nothing that a program which never connects can do without.
#pragma once

#include <exception>
#include <memory>
#include <sluice/detail/completion.hpp>
#include <sluice/net/socket.hpp>
#include <sluice/task.hpp>

namespace sluice::net {

struct ConnectionOptions;

namespace detail {

class Connecting {
 public:
  using Make = std::shared_ptr<Connecting> (*)(const asio::any_io_executor&,
                                               std::shared_ptr<const ConnectionOptions>);

  static task<Socket> run(Make make, std::shared_ptr<const ConnectionOptions> options);

  virtual void start(sluice::detail::Completion<void(std::exception_ptr)> handler) = 0;
  virtual Socket take() = 0;

 protected:
  ~Connecting() = default;
};

}  // namespace detail
}  // namespace sluice::net
