// SPDX-License-Identifier: BSL-1.0
//
// Load for a server on loopback that costs less than the servers do: canned requests, answers
// counted by their bytes, all of which must be as many as the first one's. It goes in phases
// (support/ phases.hpp) and prints what it saw as JSON.
//   load PORT CONNECTIONS WARM-UP REQUESTS [--path /] [--pipeline 1] [--headers small|browser]
//     [--body BYTES] [--chunked] [--close] [--stall] [--seconds 60]
// --chunked  the body in chunks of 4 KiB
// --close    a connection for every request
// --stall    asks once on every connection, reads nothing, and waits for the server to be stuck
// --seconds  gives up after this long
#include <sys/epoll.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <support/phases.hpp>
#include <support/wire.hpp>
#include <vector>

namespace {

using namespace sluice::bench;
using Clock = std::chrono::steady_clock;

struct Options {
  unsigned port = 0;
  std::size_t connections = 1;
  std::size_t pipeline = 1;
  std::size_t body = 0;
  std::string path = "/";
  bool browser = false;
  bool chunked = false;
  bool close = false;
  bool stall = false;
  unsigned seconds = 60;
};

struct Connection {
  int fd = -1;
  std::size_t toSend = 0;     // bytes of the batch that is under way
  std::size_t toReceive = 0;  // and of its answers
  std::size_t asked = 0;      // requests in it
  bool waitsForRoom = false;
  Clock::time_point started;
};

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        connections_(options.connections) {
    const std::string head =
        requestHead(options.body != 0 ? "POST" : "GET", options.path, options.browser,
                    options.close, options.body, options.chunked);
    requestSize_ = head.size() + options.body;
    // What is sent is a part of this: whole batches, or one request whose body is of any size.
    if (options.body == 0 || options.chunked) {
      const std::string request = options.chunked ? head + chunkedBody(options.body) : head;
      requestSize_ = request.size();
      for (std::size_t i = 0; i < options.pipeline; ++i) output_ += request;
    } else {
      output_ = head + std::string(std::min<std::size_t>(options.body, 256 * 1024), 'x');
    }
    headSize_ = head.size();
    for (Connection& connection : connections_) open(connection);
  }

  void run(std::size_t requests) {
    left_ = requests;
    answers_ = 0;
    latencies_.clear();
    latencies_.reserve(requests / options_.pipeline + connections_.size());
    begun_ = Clock::now();
    for (Connection& connection : connections_) {
      ask(connection);
      // The others are asked when it is known how long an answer is.
      if (answerSize_ == 0) break;
    }
    std::array<epoll_event, 256> events;
    while (answers_ < requests) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                     static_cast<int>(options_.seconds) * 1000);
      if (count == 0 || Clock::now() - begun_ > std::chrono::seconds(options_.seconds)) {
        std::cerr << "failed: " << answers_ << " of " << requests << " answers in "
                  << options_.seconds << " s\n";
        std::exit(1);
      }
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        Connection& connection = connections_[event.data.u32];
        if (event.events & EPOLLOUT) send(connection);
        if (event.events & ~std::uint32_t{EPOLLOUT}) receive(connection);
      }
    }
    seconds_ = std::chrono::duration<double>(Clock::now() - begun_).count();
  }

  void stall() {
    for (Connection& connection : connections_) {
      connection.toSend = requestSize_;
      send(connection);
    }
  }

  void report() {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](std::size_t percent) {
      return latencies_.empty() ? 0.0 : double(latencies_[(latencies_.size() - 1) * percent / 100]);
    };
    std::cout << "{\"answers\": " << answers_ << ", \"seconds\": " << seconds_
              << ", \"answer_bytes\": " << answerSize_ << ", \"request_bytes\": " << requestSize_
              << ", \"p50_us\": " << at(50) / 1e3 << ", \"p99_us\": " << at(99) / 1e3 << "}"
              << std::endl;
  }

 private:
  void open(Connection& connection) {
    connection.fd = connectTo(options_.port, options_.stall ? 4096 : 0);
    watch(EPOLL_CTL_ADD, connection, EPOLLIN);
  }

  void watch(int operation, Connection& connection, std::uint32_t wanted) {
    epoll_event event{};
    event.events = wanted;
    event.data.u32 = static_cast<std::uint32_t>(&connection - connections_.data());
    ::epoll_ctl(epoll_, operation, connection.fd, &event);
  }

  void ask(Connection& connection) {
    connection.asked = std::min(left_, options_.pipeline);
    if (connection.asked == 0) return;
    left_ -= connection.asked;
    if (connection.fd < 0) open(connection);
    connection.toSend = connection.asked * requestSize_;
    connection.toReceive = connection.asked * answerSize_;
    connection.started = Clock::now();
    send(connection);
  }

  // The part of a batch, or of one request with a body, from which on `left` bytes are to be sent.
  std::string_view next(std::size_t left) const {
    const std::string_view all(output_);
    if (options_.body == 0 || options_.chunked) return all.substr(output_.size() - left);
    const std::size_t sent = requestSize_ - left;
    return sent < headSize_ ? all.substr(sent) : all.substr(headSize_, left);
  }

  void send(Connection& connection) {
    while (connection.toSend != 0) {
      const std::string_view bytes = next(connection.toSend);
      const ssize_t count = ::send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) break;
      if (count < 0) fail("send");
      connection.toSend -= static_cast<std::size_t>(count);
    }
    if ((connection.toSend != 0) != connection.waitsForRoom) {
      connection.waitsForRoom = !connection.waitsForRoom;
      watch(EPOLL_CTL_MOD, connection, connection.waitsForRoom ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

  // Of the first answer all bytes are looked at, of the others none: the kernel throws away what is
  // more than a page.
  void receive(Connection& connection) {
    if (answerSize_ == 0) {
      learn(connection);
      return;
    }
    const bool large = connection.toReceive > inputSize;
    const ssize_t count = ::recv(connection.fd, large ? nullptr : input_.get(),
                                 large ? 16 * inputSize : inputSize, large ? MSG_TRUNC : 0);
    if (count == 0 && connection.toReceive == 0 && options_.close) {
      ::close(connection.fd);
      connection.fd = -1;
      answered(connection);
      ask(connection);
      return;
    }
    if (count <= 0 || static_cast<std::size_t>(count) > connection.toReceive) {
      std::cerr << "failed: recv brought " << count << " bytes of " << connection.toReceive << '\n';
      std::exit(1);
    }
    connection.toReceive -= static_cast<std::size_t>(count);
    if (connection.toReceive != 0 || options_.close) return;
    answered(connection);
    ask(connection);
  }

  void learn(Connection& connection) {
    const ssize_t count = ::recv(connection.fd, input_.get(), inputSize, 0);
    if (count <= 0) fail("recv");
    first_.append(input_.get(), static_cast<std::size_t>(count));
    answerSize_ = messageSize(first_);
    if (answerSize_ == 0) return;
    if (first_.substr(9, 3) != "200") {
      std::cerr << "failed: " << first_.substr(0, first_.find("\r\n")) << '\n';
      std::exit(1);
    }
    connection.toReceive = connection.asked * answerSize_ - first_.size();
    if (connection.toReceive == 0 && !options_.close) {
      answered(connection);
      ask(connection);
    }
    for (std::size_t i = 1; i < connections_.size(); ++i) ask(connections_[i]);
  }

  void answered(Connection& connection) {
    answers_ += connection.asked;
    latencies_.push_back(static_cast<std::uint32_t>(
        std::chrono::nanoseconds(Clock::now() - connection.started).count()));
  }

  static constexpr std::size_t inputSize = 64 * 1024;

  Options options_;
  int epoll_;
  std::vector<Connection> connections_;
  std::unique_ptr<char[]> input_ = std::make_unique<char[]>(inputSize);
  std::string output_;
  std::string first_;
  std::vector<std::uint32_t> latencies_;
  std::size_t headSize_ = 0;
  std::size_t requestSize_ = 0;
  std::size_t answerSize_ = 0;
  std::size_t left_ = 0;
  std::size_t answers_ = 0;
  Clock::time_point begun_;
  double seconds_ = 0;
};

Options parse(int argc, char* argv[]) {
  Options options;
  options.port = static_cast<unsigned>(std::atoi(argv[1]));
  options.connections = std::strtoull(argv[2], nullptr, 10);
  for (int i = 5; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--close" || name == "--stall" || name == "--chunked") {
      (name == "--close"   ? options.close
       : name == "--stall" ? options.stall
                           : options.chunked) = true;
      continue;
    }
    const char* value = ++i < argc ? argv[i] : "";
    if (name == "--path") {
      options.path = value;
    } else if (name == "--pipeline") {
      options.pipeline = std::strtoull(value, nullptr, 10);
    } else if (name == "--headers") {
      options.browser = std::string_view(value) == "browser";
    } else if (name == "--body") {
      options.body = std::strtoull(value, nullptr, 10);
    } else if (name == "--seconds") {
      options.seconds = static_cast<unsigned>(std::atoi(value));
    } else {
      std::cerr << "failed: there is no option " << name << '\n';
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 5) return 2;
  const Options options = parse(argc, argv);
  Load load(options);
  if (options.stall) {
    load.stall();
    standStill("stalled");
    return 0;
  }
  runPhases(argv, [&](std::size_t requests) {
    if (requests != 0) load.run(requests);
  });
  load.report();
}
