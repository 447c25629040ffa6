// SPDX-License-Identifier: BSL-1.0
//
// Makes the request and response objects of the classes that a handler names.
#pragma once

#include <memory>
#include <optional>

namespace sluice::http {

class IncomingMessage;
class ServerResponse;

namespace detail {

/// The two objects that a handler is lent. Their memory serves every request of a connection.
class MessagePair {
 public:
  virtual ~MessagePair() = default;
  virtual void renew() = 0;
  virtual void end() = 0;
  virtual IncomingMessage& req() = 0;
  virtual ServerResponse& res() = 0;
};

template <class Req, class Res>
class MessagePairOf final : public MessagePair {
 public:
  void renew() override {
    req_.emplace();
    res_.emplace();
  }
  void end() override {
    res_.reset();
    req_.reset();
  }
  IncomingMessage& req() override { return *req_; }
  ServerResponse& res() override { return *res_; }

 private:
  std::optional<Req> req_;
  std::optional<Res> res_;
};

template <class Req, class Res>
std::unique_ptr<MessagePair> makeMessagePair() {
  return std::make_unique<MessagePairOf<Req, Res>>();
}

}  // namespace detail
}  // namespace sluice::http
