// SPDX-License-Identifier: BSL-1.0
//
// One connect(): from the options to a socket that is open, or an error. Names are looked up and
// addresses are tried here; one attempt is a Dialer's.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <sluice/detail/completion.hpp>
#include <sluice/net/detail/backend.hpp>
#include <sluice/net/detail/connecting.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/net/detail/socket_core.hpp>
#include <string>
#include <vector>

namespace sluice::net::detail {

class Connector final : public Connecting,
                        public SocketObserver,
                        public std::enable_shared_from_this<Connector>,
                        private LoopMember {
 public:
  using Handler = sluice::detail::Completion<void(std::exception_ptr)>;

  Connector(std::shared_ptr<const ConnectionOptions> options, std::shared_ptr<Loop> loop);

  static void validate(const ConnectionOptions& options);
  static std::shared_ptr<Connecting> make(const asio::any_io_executor& executor,
                                          std::shared_ptr<const ConnectionOptions> options);

  SLUICE_DECL void start(Handler handler) override;
  Socket take() override { return SocketAccess::make(std::move(core_)); }
  SLUICE_DECL void onGone(const error_code& reason) override;

 private:
  using Tcp = asio::ip::tcp;
  using Addresses = std::vector<asio::ip::address>;

  SLUICE_DECL void onLoopEnd() override;
  void begin();
  void resolve();
  static task<> lookUp(std::shared_ptr<const ConnectionOptions> options, std::string host,
                       std::shared_ptr<Addresses> found);
  void resolved(Addresses found);
  void tryNext();
  std::unique_ptr<Dialer> prepare(const Place& place);
  error_code bindLocally(Dialer& dialer, const Place& remote);
  void attemptEnded(std::size_t index, const error_code& ec,
                    boost::intrusive_ptr<Transport> transport);
  http::Error failureAt(const Place& place, const error_code& ec) const;
  void remember(http::Error error);
  void timedOut();
  void connected(boost::intrusive_ptr<Transport> transport);
  void fail(const http::Error& error);
  void finish(std::exception_ptr error);

  const std::shared_ptr<const ConnectionOptions> shared_;
  const ConnectionOptions& options_;
  const std::string host_;
  const std::shared_ptr<Loop> loop_;
  boost::intrusive_ptr<SocketCore> core_;
  std::optional<asio::ip::address> localAddress_;
  std::optional<Tcp::resolver> resolver_;
  asio::cancellation_signal lookupCancelled_;
  std::vector<Place> places_;
  // One for each place; none if the place could not be tried, or has failed.
  std::vector<std::unique_ptr<Dialer>> attempts_;
  TimerEntry delay_;
  TimerEntry deadline_;
  std::optional<http::Error> error_;
  Handler handler_;
};

}  // namespace sluice::net::detail
