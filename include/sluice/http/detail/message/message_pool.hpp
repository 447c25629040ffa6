// SPDX-License-Identifier: BSL-1.0
//
// Makes the request and response objects of the classes that a handler names, and decides when
// their memory is used again.
//
// A handler borrows both by reference. A reference that is kept longer is a mistake that no type
// can rule out, so the object stays where it is when its request is over, as one that refuses every
// call (ERR_STREAM_DESTROYED). Its memory waits for that of `rest` other requests of the loop
// before it serves again: a late call meets a finished message, and never another client's.
#pragma once

#include <algorithm>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <sluice/detail/list.hpp>
#include <sluice/net/detail/loop.hpp>
#include <sluice/task.hpp>
#include <utility>
#include <vector>

namespace sluice::http {

class IncomingMessage;
class ServerResponse;

namespace detail {

class IncomingState;
class MessagePool;
class OutgoingState;

/// The two objects that a handler is lent.
class MessagePair : public sluice::detail::Linked<MessagePair> {
 public:
  IncomingMessage& req() const { return *req_; }
  ServerResponse& res() const { return *res_; }
  /// It has served before.
  bool isMade() const { return req_ != nullptr; }

 private:
  friend class MessagePool;

  IncomingMessage* req_ = nullptr;
  ServerResponse* res_ = nullptr;
};

class MessagePool {
 public:
  /// So many pairs wait before one of them serves again.
  static constexpr std::size_t rest = 4096;

  MessagePool(const MessagePool&) = delete;
  MessagePool& operator=(const MessagePool&) = delete;
  SLUICE_DECL virtual ~MessagePool();

  /// Fresh objects for one request.
  MessagePair& take();
  /// The request is over: from now on the objects refuse every call.
  void giveBack(MessagePair& pair);

 protected:
  explicit MessagePool(net::detail::Loop& loop);

  /// Memory that no request has used yet.
  virtual MessagePair& unused() = 0;
  /// Makes objects that know nothing of the request before.
  virtual void renew(MessagePair& pair) = 0;
  /// Destroys what a user's class has; what is left is of the library's own classes.
  virtual void end(MessagePair& pair) = 0;

  /// The memory of all pairs goes.
  void forgetWaiting() { waiting_.clear(); }
  /// Makes objects of the library's own classes at the place of those that were destroyed.
  static void makeOwn(MessagePair& pair, void* req, void* res);
  static void destroyOwn(MessagePair& pair);
  /// Takes back what a user may have set in them.
  static void renewOwn(MessagePair& pair);
  static void setMessages(MessagePair& pair, IncomingMessage& req, ServerResponse& res) {
    pair.req_ = &req;
    pair.res_ = &res;
  }

 private:
  void makeStale(MessagePair& pair) const;

  boost::intrusive_ptr<IncomingState> staleRequest_;
  boost::intrusive_ptr<OutgoingState> staleResponse_;
  sluice::detail::List<MessagePair> waiting_;
  std::size_t waitingCount_ = 0;
};

// A slot holds the objects of a request, or stale ones of the library's own classes at the same
// place, which is where a reference to the base class finds them.
template <class Req, class Res>
class MessagePoolOf final : public MessagePool {
 public:
  explicit MessagePoolOf(net::detail::Loop& loop) : MessagePool(loop) {}
  ~MessagePoolOf() override {
    forgetWaiting();
    for (const Run& run : runs_) {
      for (std::size_t i = 0; i != run.used; ++i) destroyOwn(*run.slots()[i].pair());
    }
  }

 private:
  static constexpr bool isOwn =
      std::same_as<Req, IncomingMessage> && std::same_as<Res, ServerResponse>;

  struct Slot : MessagePair {
    Req& request() { return *std::launder(reinterpret_cast<Req*>(requestBytes)); }
    Res& response() { return *std::launder(reinterpret_cast<Res*>(responseBytes)); }
    MessagePair* pair() { return this; }

    alignas(Req) std::byte requestBytes[sizeof(Req)];
    alignas(Res) std::byte responseBytes[sizeof(Res)];
  };

  struct Run {
    explicit Run(std::size_t count) : memory(std::allocator<Slot>().allocate(count)), size(count) {}
    Run(Run&& other) noexcept
        : memory(std::exchange(other.memory, nullptr)), size(other.size), used(other.used) {}
    Run& operator=(Run&&) = delete;
    ~Run() {
      if (memory != nullptr) std::allocator<Slot>().deallocate(memory, size);
    }
    Slot* slots() const { return memory; }

    Slot* memory;
    std::size_t size;
    std::size_t used = 0;
  };

  MessagePair& unused() override {
    if (runs_.empty() || runs_.back().used == runs_.back().size) {
      // A server with little to do costs little, and a busy one soon has all that it needs.
      std::size_t made = 0;
      for (const Run& run : runs_) made += run.size;
      const std::size_t missing = rest - std::min(rest, made);
      runs_.emplace_back(made < 1000 ? made + 8 : std::max<std::size_t>(missing, 512));
    }
    Run& run = runs_.back();
    return *::new (static_cast<void*>(run.memory + run.used++)) Slot;
  }

  void renew(MessagePair& pair) override {
    if (isOwn && pair.isMade()) {
      renewOwn(pair);
      return;
    }
    destroyOwn(pair);
    Slot& slot = static_cast<Slot&>(pair);
    setMessages(pair, *::new (static_cast<void*>(slot.requestBytes)) Req,
                *::new (static_cast<void*>(slot.responseBytes)) Res);
  }

  void end(MessagePair& pair) override {
    if constexpr (!isOwn) {
      Slot& slot = static_cast<Slot&>(pair);
      IncomingMessage* req = &slot.request();
      ServerResponse* res = &slot.response();
      slot.response().~Res();
      slot.request().~Req();
      makeOwn(pair, req, res);
    }
  }

  std::vector<Run> runs_;
};

/// The pool of a loop for one pair of classes: all servers of the loop share it, and it stays as
/// long as the loop does.
template <class Req, class Res>
std::shared_ptr<MessagePool> messagePool(net::detail::Loop& loop) {
  std::shared_ptr<void>& kept = loop.keptFor(reinterpret_cast<const void*>(&messagePool<Req, Res>));
  if (!kept) kept = std::make_shared<MessagePoolOf<Req, Res>>(loop);
  return std::static_pointer_cast<MessagePoolOf<Req, Res>>(kept);
}

}  // namespace detail
}  // namespace sluice::http
