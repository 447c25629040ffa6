// SPDX-License-Identifier: BSL-1.0
//
// The C++20 module: `import sluice;` in place of <sluice/http.hpp>. It is header-only inside, and
// exports what a program needs of Asio beside it, but not Asio's constants (detached,
// this_coro::executor), which no module can export: include those headers. Experimental: clang 19
// or newer, CMake 3.28.
module;

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <coroutine>
#include <sluice/http.hpp>

export module sluice;

// Without these no file that imports the module may hold a coroutine.
export namespace std {
using std::coroutine_handle;
using std::coroutine_traits;
using std::suspend_always;
using std::suspend_never;
}  // namespace std

export namespace boost::asio {
using asio::any_io_executor;
using asio::awaitable;
using asio::co_spawn;
using asio::detached_t;
using asio::io_context;
}  // namespace boost::asio

export namespace sluice {

using sluice::cluster;
using sluice::ClusterOptions;
using sluice::Encoding;
using sluice::errc;
using sluice::Error;
using sluice::error_code;
using sluice::errorName;
using sluice::Executor;
using sluice::ListenerId;
using sluice::make_error_code;
using sluice::pipe;
using sluice::PipeOptions;
using sluice::Readable;
using sluice::Reference;
using sluice::StringDecoder;
using sluice::task;
using sluice::Writable;
using sluice::WriteResult;

namespace net {
using net::Address;
using net::connect;
using net::ConnectionOptions;
using net::createServer;
using net::ListenOptions;
using net::Server;
using net::Socket;
}  // namespace net

namespace http {
using http::Agent;
using http::AgentOptions;
using http::AgentRef;
using http::BodyFilter;
using http::ClientRequest;
using http::createServer;
using http::errc;
using http::Error;
using http::formatDate;
using http::get;
using http::globalAgent;
using http::Handler;
using http::Headers;
using http::HeaderValue;
using http::IncomingMessage;
using http::maxHeaderSize;
using http::METHODS;
using http::OutgoingMessage;
using http::request;
using http::RequestOptions;
using http::Scheduling;
using http::Server;
using http::ServerOptions;
using http::ServerResponse;
using http::STATUS_CODES;
using http::unlimited;
using http::URL;
using http::URLSearchParams;
using http::validateHeaderName;
using http::validateHeaderValue;
}  // namespace http

}  // namespace sluice
