// SPDX-License-Identifier: BSL-1.0
//
// The cookies of a client, RFC 6265: what servers have set, and what they are sent back.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/fetch.hpp>
#endif
#ifndef SLUICE_WEB_FETCH_COOKIE_JAR_HPP
#define SLUICE_WEB_FETCH_COOKIE_JAR_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <sluice/http/headers.hpp>
#include <sluice/http/url.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

namespace detail {
struct Cookie;
}

/// Keeps cookies, for one user. fetch() is told of it by FetchRequest::cookies().
///
/// At most 180 cookies of one domain and 3000 in all are kept, of 4096 bytes of name and value
/// each; of more than that the oldest go. A Domain without a dot is refused, as are names with the
/// prefixes
/// __Secure- and __Host- that are not what they say. There is no list of public suffixes: a server
/// of a.co.uk can set a cookie for all of co.uk.
class CookieJar {
 public:
  /// Says what time it is.
  using Clock = std::function<std::chrono::system_clock::time_point()>;

  CookieJar();
  /// now  what time it is, in place of the system's clock
  explicit CookieJar(Clock now);
  CookieJar(const CookieJar&);
  CookieJar(CookieJar&&) noexcept;
  CookieJar& operator=(const CookieJar&);
  CookieJar& operator=(CookieJar&&) noexcept;
  ~CookieJar();

  /// The value of the Cookie header for a request; "" if there is none to send.
  std::string header(const http::URL& url) const;

  /// Takes the Set-Cookie lines of a response. What is malformed or not allowed is passed over.
  void store(const http::URL& url, const http::Headers& headers);

  /// Cookies that have not expired.
  std::size_t size() const;
  void clear();

  /// Every cookie in the format of curl's and wget's cookies.txt, and back again: lines that are
  /// none are passed over.
  std::string save() const;
  void load(std::string_view text);

 private:
  void storeOne(const http::URL& url, std::string_view line);
  void add(detail::Cookie cookie);
  void makeRoom();

  Clock now_;
  std::vector<detail::Cookie> cookies_;
  std::uint64_t stored_ = 0;
};

}  // namespace sluice

#endif
