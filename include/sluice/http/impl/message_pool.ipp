// SPDX-License-Identifier: BSL-1.0
//
// Definitions of message_pool.hpp.
#pragma once

#include <sluice/http/detail/message/incoming_state.hpp>
#include <sluice/http/detail/message/message_pool.hpp>
#include <sluice/http/detail/message/outgoing_state.hpp>
#include <sluice/http/server_response.hpp>
#include <string>

namespace sluice::http::detail {

SLUICE_DECL MessagePool::MessagePool(net::detail::Loop& loop)
    : staleRequest_(new IncomingState), staleResponse_(new OutgoingState) {
  staleRequest_->beStale(loop);
  // The loop owns this pool, and must not be owned by it.
  const std::shared_ptr<net::detail::Loop> unowned(std::shared_ptr<void>(), &loop);
  boost::intrusive_ptr<net::detail::OutputStream> failed(new net::detail::OutputStream(unowned, 1));
  failed->fail(make_error_code(errc::ERR_STREAM_DESTROYED));
  staleResponse_->beStale(std::move(failed));
}

SLUICE_DECL MessagePool::~MessagePool() = default;

SLUICE_DECL MessagePair& MessagePool::take() {
  const bool fresh = waitingCount_ < rest;
  if (!fresh) --waitingCount_;
  MessagePair& pair = fresh ? unused() : waiting_.popFront();
  renew(pair);
  return pair;
}

SLUICE_DECL void MessagePool::giveBack(MessagePair& pair) {
  end(pair);
  makeStale(pair);
  waiting_.pushBack(pair);
  ++waitingCount_;
}

SLUICE_DECL void MessagePool::makeStale(MessagePair& pair) const {
  IncomingMessageAccess::attach(pair.req(), staleRequest_);
  ServerResponseAccess::attachStale(pair.res(), staleResponse_);
  // It may be as long as a user likes, and the object stays for a while.
  std::string& phrase = pair.res().statusMessage;
  if (phrase.capacity() > std::string().capacity()) std::string().swap(phrase);
}

SLUICE_DECL void MessagePool::makeOwn(MessagePair& pair, void* req, void* res) {
  setMessages(pair, *::new (req) IncomingMessage, *::new (res) ServerResponse);
}

SLUICE_DECL void MessagePool::renewOwn(MessagePair& pair) {
  ServerResponse& res = pair.res();
  res.sendDate = res.shouldKeepAlive = true;
  res.strictContentLength = false;
  res.statusCode = 200;
  res.statusMessage.clear();
}

SLUICE_DECL void MessagePool::destroyOwn(MessagePair& pair) {
  if (!pair.isMade()) return;
  pair.res().ServerResponse::~ServerResponse();
  pair.req().~IncomingMessage();
}

}  // namespace sluice::http::detail
