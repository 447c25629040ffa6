// SPDX-License-Identifier: BSL-1.0
//
// What the kernel's ways to send cost who sends: so many bytes in pieces of 64 KiB to a reader on
// loopback, in a process of its own, which copies them out. Prints the CPU seconds as JSON and, for
// zerocopy, how many of the kernel's notices said that it had copied after all.
//   ways_to_send send|zerocopy|sendfile BYTES
// sendfile takes them out of the page cache (a memfd, which is tmpfs).
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <iostream>
#include <support/wire.hpp>
#include <vector>

// It takes a timespec for granted.
#include <linux/errqueue.h>

namespace {

using namespace sluice::bench;

constexpr std::size_t pieceSize = 64 * 1024;
// More than a processor's nearest cache, as bodies are.
constexpr std::size_t sourceSize = 1024 * 1024;

// How many sends the kernel has said to be done with.
struct Notices {
  std::uint64_t done = 0;
  std::uint64_t copied = 0;
};

void readAll(unsigned port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("connect");
  }
  std::vector<char> buffer(4 * pieceSize);
  while (::recv(fd, buffer.data(), buffer.size(), 0) > 0) {
  }
}

bool reap(int fd, Notices& notices) {
  alignas(cmsghdr) std::array<char, 256> control;
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    const auto& error = *reinterpret_cast<const sock_extended_err*>(CMSG_DATA(part));
    if (error.ee_origin != SO_EE_ORIGIN_ZEROCOPY) continue;
    const std::uint64_t count = error.ee_data - error.ee_info + 1;
    notices.done += count;
    if (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) notices.copied += count;
  }
  return true;
}

// A notice ends the wait too: it is an error to poll().
void waitForRoom(int fd, short events) {
  pollfd wanted{fd, events, 0};
  ::poll(&wanted, 1, -1);
}

double secondsOf(int who) {
  rusage used{};
  ::getrusage(who, &used);
  return double(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         double(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 3) return 2;
  // Whoever hangs ends; the reader then reads an end.
  ::alarm(60);
  const std::string_view way = argv[1];
  const std::size_t bytes = std::strtoull(argv[2], nullptr, 10);
  unsigned port = 0;
  const int listener = listenOn(port);
  const pid_t reader = ::fork();
  if (reader == 0) {
    readAll(port);
    return 0;
  }
  waitForRoom(listener, POLLIN);
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  if (fd < 0) fail("accept");
  const int on = 1;
  if (way == "zerocopy" && ::setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) != 0) {
    fail("SO_ZEROCOPY");
  }
  const int file = ::memfd_create("source", MFD_CLOEXEC);
  const std::vector<char> source(sourceSize, 'x');
  if (::write(file, source.data(), sourceSize) != sourceSize) fail("memfd");

  Notices notices;
  std::uint64_t calls = 0;
  for (std::size_t left = bytes; left != 0;) {
    const std::size_t at = (bytes - left) % sourceSize;
    const std::size_t size = std::min({left, pieceSize, sourceSize - at});
    auto offset = static_cast<off_t>(at);
    const int flags = MSG_NOSIGNAL | (way == "zerocopy" ? MSG_ZEROCOPY : 0);
    const ssize_t count = way == "sendfile" ? ::sendfile(fd, file, &offset, size)
                                            : ::send(fd, source.data() + at, size, flags);
    if (count > 0) {
      left -= static_cast<std::size_t>(count);
      ++calls;
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      waitForRoom(fd, POLLOUT);
    } else {
      fail(argv[1]);
    }
    // Whoever sends so has to know when the memory is its own again.
    while (way == "zerocopy" && (count <= 0 || calls % 16 == 0) && reap(fd, notices)) {
    }
  }
  while (way == "zerocopy" && notices.done < calls) {
    if (!reap(fd, notices)) waitForRoom(fd, 0);
  }
  const double sender = secondsOf(RUSAGE_SELF);
  ::close(fd);
  ::waitpid(reader, nullptr, 0);
  std::cout << "{\"sender\": " << sender << ", \"reader\": " << secondsOf(RUSAGE_CHILDREN)
            << ", \"calls\": " << calls << ", \"copied\": " << notices.copied << "}" << std::endl;
}
