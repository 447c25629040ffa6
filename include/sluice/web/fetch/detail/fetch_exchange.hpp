// SPDX-License-Identifier: BSL-1.0
//
// A whole exchange of fetch(): request after request until there is a response to give, then its
// body. A time-out and a signal end it in every phase.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <sluice/compress.hpp>
#include <sluice/error.hpp>
#include <sluice/http/client_request.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/http/url.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/task.hpp>
#include <sluice/timer.hpp>
#include <sluice/web/fetch/detail/fetch_agents.hpp>
#include <sluice/web/fetch/detail/fetch_options.hpp>
#include <sluice/web/fetch/detail/tunnel.hpp>
#include <string>
#include <string_view>

namespace sluice::detail {

/// One request and its response.
struct FetchAttempt {
  std::shared_ptr<FetchAgents> agents;  // not used if the user's agent is
  http::ClientRequest request;
  http::IncomingMessage message;
  std::exception_ptr writeFailure;  // of the coroutine that writes a body
  bool writing = false;             // it runs, and holds this
};

class FetchExchange : public std::enable_shared_from_this<FetchExchange> {
 public:
  FetchExchange(std::string_view url, FetchOptions options);
  FetchExchange(const FetchExchange&) = delete;
  FetchExchange& operator=(const FetchExchange&) = delete;
  ~FetchExchange();

  /// Until there is a response to give.
  task<> run();

  /// Ends it from wherever it is.
  void stop(const error_code& reason);

  // Each goes on if its response is destroyed meanwhile.
  static task<std::optional<std::string_view>> read(std::shared_ptr<FetchExchange> self);
  static task<std::string> text(std::shared_ptr<FetchExchange> self, std::size_t limit);
  http::IncomingMessage& message() { return attempt_->message; }
  const std::string& url() const { return href_; }
  bool redirected() const { return redirects_ != 0; }

 private:
  void watch(const asio::any_io_executor& executor);
  task<> attempt();
  void dropAttempt();
  // After an attempt; true: its response is the one to give.
  task<bool> settle();
  task<bool> retryAfterFailure(std::exception_ptr failure);
  task<> pause(std::chrono::milliseconds wait);
  void redirect(const std::string& location, int status);
  bool mayRetry() const;
  std::chrono::milliseconds backoff();
  http::ClientRequest makeRequest(const std::shared_ptr<FetchAttempt>& attempt) const;
  http::Headers headersToSend() const;
  http::CreateConnection tunnelOpener() const;
  void startWriting(const std::shared_ptr<FetchAttempt>& attempt);
  void throwIfStopped() const;
  [[noreturn]] void throwReason(const std::exception_ptr& failure) const;

  FetchOptions options_;
  http::URL url_;
  std::string href_;
  std::string method_;
  std::shared_ptr<net::detail::Loop> loop_;
  std::optional<Proxy> proxy_;
  int redirects_ = 0;
  int tries_ = 0;
  error_code reason_;  // why it was stopped
  std::shared_ptr<FetchAttempt> attempt_;
  std::optional<Timer> deadline_;
  std::optional<Timer> pause_;
  std::optional<compress::Decoded> body_;
};

}  // namespace sluice::detail
