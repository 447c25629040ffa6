// SPDX-License-Identifier: BSL-1.0
//
// Definitions of server_connection.hpp.
#pragma once

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/assert.hpp>
#include <boost/config.hpp>
#include <boost/system/errc.hpp>
#include <exception>
#include <new>
#include <optional>
#include <sluice/detail/post.hpp>
#include <sluice/detail/reserve.hpp>
#include <sluice/detail/spawn.hpp>
#include <sluice/detail/suspend.hpp>
#include <sluice/http/constants.hpp>
#include <sluice/http/detail/server/connection.hpp>
#include <sluice/http/detail/server/state.hpp>
#include <sluice/net/detail/handler_error.hpp>
#include <utility>

namespace sluice::http::detail {

/// Keeps account of a socket that an "upgrade" handler took with it: close() waits for its end.
struct ServerConnection::MovedOut final : net::detail::SocketObserver {
  explicit MovedOut(ServerConnection& from) : connection(&from) {}

  void onGone(const error_code&) override { connection->server().remove(*connection); }

  boost::intrusive_ptr<ServerConnection> connection;
};

SLUICE_DECL ServerConnection::ServerConnection(boost::intrusive_ptr<ServerState> server,
                                               net::Socket socket)
    : server_(std::move(server)),
      socket_(std::move(socket)),
      core_(net::detail::SocketAccess::core(socket_)),
      state_(server_->secures() ? State::securing : State::idle) {}

SLUICE_DECL ServerConnection::~ServerConnection() {
  if (core_->user() == this) core_->setUser(nullptr);
  // Nothing is told any more: nobody could keep this alive meanwhile.
  if (exchange_) giveExchangeBack();
  server_->remove(*this);
}

SLUICE_DECL void ServerConnection::become(State to) {
  BOOST_ASSERT(mayFollow(state_, to));
  state_ = to;
}

SLUICE_DECL void ServerConnection::start() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  core_->setUser(this);
  if (state_ != State::securing) secured();
  server_->emit<"connection">(socket_);
  if (gone()) {
    ended();
  } else if (state_ == State::idle && core_->readWithoutBuffer()) {
    become(State::resting);
    self_ = this;
  } else {
    spawn();
  }
}

SLUICE_DECL void ServerConnection::spawn() {
  staysAwake_ = true;
  const boost::intrusive_ptr<ServerConnection> self = this;
  self_ = nullptr;
  try {
    sluice::detail::Reserve::hold();
    exchange_ = server_->takeExchange();
    exchange_->attach(*this);
    const auto whenEnded = [self](std::exception_ptr failure) {
      // A handler may have ended on a thread of its own.
      sluice::detail::dispatch(self->core_->loop().executor(), [self, failure] {
        if (failure) self->failed(failure);
        self->ended();
      });
    };
    asio::co_spawn(core_->loop().executor(), run(self),
                   asio::bind_executor(sluice::detail::InPlace{},
                                       asio::bind_cancellation_slot(cancel_.slot(), whenEnded)));
  } catch (const std::bad_alloc&) {
    endWithoutMemory();
    ended();
  }
}

SLUICE_DECL void ServerConnection::endWithoutMemory() {
  server_->giveUpMemory();
  try {
    core_->destroy(make_error_code(boost::system::errc::not_enough_memory));
  } catch (const std::bad_alloc&) {
    // The socket is closed, but there was no memory to post what tells the coroutine so.
    wake();
  }
}

SLUICE_DECL bool ServerConnection::hasNothing() const {
  return exchange_ && exchange_->waiting && reader().empty() && !reader().end() &&
         core_->output().size() == 0;
}

SLUICE_DECL bool ServerConnection::rest() {
  if (!reader().readWithoutBuffer()) return false;
  const boost::intrusive_ptr<ServerConnection> alive(this);
  become(State::suspending);
  wake();
  return true;
}

SLUICE_DECL bool ServerConnection::restIfIdle() {
  if (state_ != State::idle && state_ != State::quiet) return false;
  if (!hasNothing() || !core_->reading()) return true;
  if (state_ == State::idle) {
    become(State::quiet);
    return true;
  }
  return !rest();
}

// There is something to read.
SLUICE_DECL void ServerConnection::resume() {
  if (state_ == State::suspending) {
    become(State::recalled);
  } else if (state_ == State::resting) {
    become(State::idle);
    spawn();
    wake();
  }
}

// The coroutine has come to its end, or there is none and the socket is gone.
SLUICE_DECL void ServerConnection::ended() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  if (exchange_) releaseExchange();
  if (suspends()) {
    const bool recalled = state_ == State::recalled;
    become(State::resting);
    self_ = this;
    // Nothing was cancelled, so Asio has posted nothing that looks at it.
    cancel_.slot().clear();
    core_->rest();
    if (recalled) resume();
  } else if (upgraded() && !core_->destroyed()) {
    core_->setObserver(std::make_shared<MovedOut>(*this));
  } else {
    self_ = nullptr;
    destroy();
    server_->remove(*this);
  }
}

// What a handler throws is dealt with in run(). This is from a listener or a callback of the
// user's, or says that what the connection waited for was cancelled.
SLUICE_DECL void ServerConnection::failed(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) return;
  } catch (const std::bad_alloc&) {
    server_->giveUpMemory();
  } catch (...) {
  }
  try {
    server_->report(exchange_ ? exchange_->errorOf(failure) : net::detail::handlerError(failure));
  } catch (const std::bad_alloc&) {
    // Not even to tell of it; the connection ends all the same.
  }
}

SLUICE_DECL void ServerConnection::releaseExchange() {
  try {
    exchange_->conclude();
  } catch (...) {
    failed(std::current_exception());
  }
  giveExchangeBack();
}

SLUICE_DECL void ServerConnection::giveExchangeBack() {
  exchange_->detach();
  server_->giveBack(std::move(exchange_));
}

SLUICE_DECL void ServerConnection::secured() {
  // A listener of "connection" may have set its own during the handshake.
  const bool own = state_ == State::securing && core_->timeout().count() != 0;
  if (!own) core_->setTimeout(server_->settings().timeout);
  messageStart_ = core_->loop().now();
}

SLUICE_DECL void ServerConnection::cancelHandler() {
  if (core_->loop().stopped()) return;
  sluice::detail::cancelSpawned(core_->loop().executor(), cancel_,
                                [alive = boost::intrusive_ptr<ServerConnection>(this)] {});
}

// Once in a program: what ends a server calls it in several places.
BOOST_NOINLINE SLUICE_DECL void ServerConnection::destroy(bool inAnyCase) {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  const bool handedOver = upgraded();
  const bool cancels = !handedOver && !gone() && server_->options().cancelOnDisconnect;
  // A socket that was moved out of here is its new owner's.
  if (!handedOver || socket_) core_->destroy();
  if (handlerRuns_ && (handedOver || (inAnyCase && !cancels))) cancelHandler();
}

// Until input, an end, or the end of the socket.
SLUICE_DECL void ServerConnection::whenInputArrived(Wake handler) {
  exchange_->waiting = std::move(handler);
  core_->callAtTurnEnd();
}

SLUICE_DECL task<> ServerConnection::run(
    [[maybe_unused]] boost::intrusive_ptr<ServerConnection> self) {
  using Wait = sluice::detail::Suspend<&ServerConnection::whenInputArrived>;
  if (state_ == State::securing) {
    co_await server_->secure(socket_);
    if (!gone()) {
      secured();
      become(State::idle);
    }
  } else if (!over()) {
    // Until resume() goes on. Asio lets a cancellation escape from a coroutine that was never
    // suspended, and a handler may destroy its server.
    co_await Wait{this};
  }
  bool goesOn = !over();
  while (goesOn) {
    beginHead();
    Head head = reader().isQuiet() ? Head::partial : readHead();
    while (head == Head::partial) {
      co_await Wait{this};
      if (suspends()) co_return;
      head = readHead();
    }
    if (head == Head::none) break;
    beginExchange();
    if (exchange_->becomesTunnel()) {
      co_await handOver();
      co_return;
    }
    handlerRuns_ = true;
    std::exception_ptr failure;
    try {
      if (const auto handler = exchange_->chooseHandler()) {
        MessagePair& messages = exchange_->messages();
        co_await (*handler)(messages.req(), messages.res());
      }
    } catch (...) {
      failure = std::current_exception();
    }
    handlerRuns_ = false;
    handlerReturned(failure);
    if (state_ == State::closing) {
      // What cancels the handler, maybe only now, is nothing to the wait for the last bytes.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    }
    while (!over() && !exchange_->isSent()) co_await Wait{this};
    while (exchange_->discardsRest()) co_await Wait{this};
    goesOn = endExchange();
  }
  while (!gone()) co_await Wait{this};
}

SLUICE_DECL void ServerConnection::beginHead() {
  const std::size_t most = server_->options().maxHeaderSize;
  reader().beginMessage({most != 0 ? most : maxHeaderSize.load(),
                         server_->settings().maxHeadersCount,
                         server_->options().insecureHTTPParser});
}

SLUICE_DECL ServerConnection::Head ServerConnection::readHead() {
  using Event = MessageReader::Event;
  if (over()) return Head::none;
  const Event event = reader().nextHead();
  if (event == Event::head) return Head::complete;
  if (event == Event::needMore) {
    if (state_ != State::head && reader().started()) {
      messageBegins();
      become(State::head);
    }
    return Head::partial;
  }
  if (event == Event::end) {
    core_->destroySoon();
  } else {
    refuse(reader().fault());
  }
  return Head::none;
}

SLUICE_DECL void ServerConnection::messageBegins() {
  staysAwake_ = false;
  if (requests_ == 0) return;
  const auto now = core_->loop().now();
  staysAwake_ = now - std::exchange(messageStart_, now) < ServerState::restInterval;
}

SLUICE_DECL void ServerConnection::beginExchange() {
  if (state_ != State::head) messageBegins();
  ++requests_;
  become(State::handler);
  if (std::exchange(keepAliveTimer_, false)) core_->changeTimeout(server_->settings().timeout);
  output().setBatching(false);
  exchange_->begin();
}

SLUICE_DECL task<> ServerConnection::handOver() {
  // shouldUpgradeCallback may have destroyed it.
  if (gone()) co_return;
  const auto handler =
      reader().head().isConnect() ? server_->handler<"connect">() : server_->handler<"upgrade">();
  if (!handler) {
    core_->destroy();
    co_return;
  }
  using Wait = sluice::detail::Suspend<&ServerConnection::whenInputArrived>;
  become(State::leaving);
  // A read that began while the request before was answered fills our buffer: its bytes are part of
  // `head`, or it has none.
  while (!gone() && core_->userReads()) {
    core_->cancelRead();
    co_await Wait{this};
  }
  if (gone()) co_return;
  // These take memory; without it the socket is still the connection's.
  const std::string head(reader().unread());
  exchange_->incoming().ownHead();
  become(State::upgraded);
  exchange_->incoming().upgraded = true;
  reader().attach(nullptr);
  core_->setUser(nullptr);
  core_->setTimeout({});
  handlerRuns_ = true;
  if (server_->shutsDown()) {
    // Not before the handler listens.
    sluice::detail::post(
        core_->loop().executor(),
        [self = boost::intrusive_ptr<ServerConnection>(this)] { self->tellShutdown(); });
  }
  std::exception_ptr failure;
  try {
    co_await (*handler)(exchange_->messages().req(), socket_, head);
  } catch (...) {
    failure = std::current_exception();
  }
  handlerRuns_ = false;
  const bool over = socket_ || core_->destroyed();
  if (over) become(State::gone);
  std::optional<Error> error;
  if (failure && !core_->destroyed()) error = exchange_->errorOf(failure);
  exchange_->reset();
  if (error) server_->report(*error);
  if (socket_) socket_.destroy();
}

SLUICE_DECL void ServerConnection::endUpgraded() {
  const boost::intrusive_ptr<ServerConnection> alive(this);
  core_->destroy();
  destroy();
}

SLUICE_DECL void ServerConnection::tellShutdown() {
  if (!core_->destroyed()) sluice::detail::emit<net::SocketEvents, "shutdown">(core_->listeners());
}

SLUICE_DECL void ServerConnection::handlerReturned(const std::exception_ptr& failure) {
  // Refused at the end of this turn, if the handler had not been faster.
  if (refusesBody() || over()) return;
  exchange_->handlerReturned(failure);
  if (!gone()) become(State::finishing);
}

// false: the connection has served its last request.
SLUICE_DECL bool ServerConnection::endExchange() {
  if (!over()) {
    exchange_->finish();
    if (!over()) closeUnlessKept();
  }
  // While the last bytes leave, a body that is thrown away may still be cut short.
  if (gone() || (over() && exchange_->isReceiving())) return false;
  exchange_->conclude();
  exchange_->reset();
  // A listener of the last events may have destroyed it.
  if (over()) return false;
  become(State::idle);
  output().queue().shrink();
  server_->restLater();
  const auto& settings = server_->settings();
  if (reader().empty() && settings.keepAliveTimeout.count() > 0) {
    keepAliveTimer_ = true;
    const auto atMost = net::detail::longestTimer;
    core_->changeTimeout(std::min(settings.keepAliveTimeout, atMost) +
                         std::min(server_->options().keepAliveTimeoutBuffer, atMost));
  }
  return true;
}

}  // namespace sluice::http::detail
