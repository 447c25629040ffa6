// SPDX-License-Identifier: BSL-1.0
//
// An exchange as the coroutines know it that wait for its response. g++ before 14 writes every
// coroutine into every program that is compiled without optimization, with all that it calls by
// name: so these name nothing that a server can do without.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <sluice/detail/completion.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/task.hpp>

namespace sluice::http::detail {

class AwaitedExchange {
 public:
  virtual bool answered() const = 0;
  virtual void whenAnswered(sluice::detail::Completion<void(error_code)> handler) = 0;
  virtual IncomingMessage takeResponse() = 0;

  /// Makes a request that nobody else has, and ends it.
  ///
  /// throws  ERR_INVALID_ARG_VALUE on another executor than the agent's
  virtual boost::intrusive_ptr<AwaitedExchange> beginOwn(const asio::any_io_executor& executor) = 0;
  /// Nobody wants the response any more.
  virtual void endOwn() = 0;

 protected:
  ~AwaitedExchange() = default;

 private:
  virtual void keep() = 0;
  virtual void release() = 0;
  friend void intrusive_ptr_add_ref(AwaitedExchange* exchange) { exchange->keep(); }
  friend void intrusive_ptr_release(AwaitedExchange* exchange) { exchange->release(); }
};

}  // namespace sluice::http::detail
