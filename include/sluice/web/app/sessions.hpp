// SPDX-License-Identifier: BSL-1.0
//
// Sessions in a signed cookie. Programs include this header by itself, as it needs OpenSSL.
#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <sluice/app.hpp>
#include <sluice/encoding.hpp>
#include <sluice/web/app/detail/cookie_line.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::app {

struct SessionOptions {
  /// The keys of the signature, at least 32 bytes each. The first one signs, all are accepted: put
  /// a new one in front and remove the old one when its sessions have ended.
  std::vector<std::string> secrets;
  std::string name = "session";
  std::chrono::seconds maxAge = std::chrono::hours(24 * 14);
  std::string path = "/";
  bool secure = true;
  SameSite sameSite = SameSite::lax;
};

/// Values that belong to one browser: `req.locals<app::Session>()`. The browser can read them and
/// cannot change them. All of it must fit into a cookie of 4096 bytes with its attributes: about
/// 2900 bytes of names and values.
///
/// A change sets the cookie of the response at once. If a request passes sessions() of several
/// names, the session is that of the last one.
///
/// throws  set(), remove() and clear(), which change nothing then: ERR_HTTP_HEADERS_SENT after the
///         head; ERR_OUT_OF_RANGE for a cookie above 4096 bytes, which browsers drop
class Session {
 public:
  /// The value of that name; nullopt: there is none. A view, valid until the session changes.
  std::optional<std::string_view> get(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }
  /// Sets a value, and the cookie of the response with it. The client can read what is in it.
  void set(std::string_view name, std::string_view value) {
    Values changed = values_;
    changed.insert_or_assign(std::string(name), std::string(value));
    replace(std::move(changed));
  }
  /// Removes a value; false: there was none.
  bool remove(std::string_view name) {
    if (!get(name)) return false;
    Values changed = values_;
    changed.erase(changed.find(name));
    replace(std::move(changed));
    return true;
  }
  /// Forgets everything, and so does the browser.
  void clear() { replace({}); }
  /// All values by name.
  const std::map<std::string, std::string, std::less<>>& values() const { return values_; }

 private:
  friend class Sessions;
  using Values = std::map<std::string, std::string, std::less<>>;

  void replace(Values changed) {
    save_(changed);
    values_ = std::move(changed);
  }

  std::string name_;  // of the cookie
  Values values_;
  std::function<void(const Values&)> save_ = [](const Values&) {};
};

/// A middleware.
class Sessions {
 public:
  /// throws  ERR_INVALID_ARG_VALUE without a secret, or with one that is shorter than 32 bytes
  explicit Sessions(SessionOptions options) : options_(std::move(options)) {
    bool strong = !options_.secrets.empty();
    for (const std::string& secret : options_.secrets) strong = strong && secret.size() >= 32;
    if (!strong)
      throw Error(errc::ERR_INVALID_ARG_VALUE, "sessions(): a secret of 32 bytes is needed");
  }

  /// What the router calls for each request.
  task<> operator()(Request& req, Response& res, Next next) const {
    Session& session = req.locals<Session>();
    if (session.name_ != options_.name) {
      // What the cookie of another one has said counts for nothing here.
      session.values_.clear();
      session.name_ = options_.name;
      if (const auto cookie = req.cookie(options_.name)) load(session, *cookie);
    }
    session.save_ = [this, &res](const Session::Values& changed) { save(changed, res); };
    return next();
  }

 private:
  static std::string signatureOf(std::string_view text, std::string_view secret) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
    return toText({reinterpret_cast<const char*>(digest), size}, Encoding::base64url);
  }

  static std::int64_t now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  // expiry "." values "." signature; the name of the cookie is signed too, so that no other one can
  // take its place.
  void load(Session& session, std::string_view cookie) const {
    const std::size_t dot = cookie.rfind('.');
    if (dot == std::string_view::npos) return;
    const std::string_view text = cookie.substr(0, dot), signature = cookie.substr(dot + 1);
    bool genuine = false;
    for (const std::string& secret : options_.secrets) {
      const std::string expected = signatureOf(options_.name + "." + std::string(text), secret);
      genuine = genuine || (expected.size() == signature.size() &&
                            CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0);
    }
    std::int64_t expiry = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), expiry);
    if (!genuine || read.ec != std::errc() || *read.ptr != '.' || expiry < now()) return;
    const std::string_view encoded =
        text.substr(static_cast<std::size_t>(read.ptr + 1 - text.data()));
    const std::string bytes = toBytes(encoded, Encoding::base64url);
    std::string_view rest = bytes;
    while (!rest.empty()) {
      auto name = takeText(rest);
      auto value = takeText(rest);
      if (!name || !value) return session.values_.clear();
      session.values_.emplace(std::move(*name), std::move(*value));
    }
  }

  // A text is its size, ':' and its bytes: nothing in it needs an escape.
  static void appendText(std::string& bytes, std::string_view text) {
    bytes.append(std::to_string(text.size())).append(":").append(text);
  }
  static std::optional<std::string> takeText(std::string_view& bytes) {
    std::size_t size = 0;
    const char* const end = bytes.data() + bytes.size();
    const auto read = std::from_chars(bytes.data(), end, size);
    if (read.ec != std::errc() || read.ptr == end || *read.ptr != ':') return std::nullopt;
    bytes.remove_prefix(static_cast<std::size_t>(read.ptr + 1 - bytes.data()));
    if (size > bytes.size()) return std::nullopt;
    std::string text(bytes.substr(0, size));
    bytes.remove_prefix(size);
    return text;
  }

  void save(const Session::Values& values, Response& res) const {
    std::string bytes;
    for (const auto& [name, value] : values) {
      appendText(bytes, name);
      appendText(bytes, value);
    }
    std::string text =
        std::to_string(now() + options_.maxAge.count()) + '.' + toText(bytes, Encoding::base64url);
    text += '.' + signatureOf(options_.name + "." + text, options_.secrets.front());
    CookieOptions cookie;
    cookie.path = options_.path;
    cookie.httpOnly = true;
    cookie.secure = options_.secure;
    cookie.sameSite = options_.sameSite;
    cookie.maxAge = options_.maxAge;
    // RFC 6265 §6.1: what a browser keeps at least, attributes included.
    constexpr std::size_t most = 4096;
    const std::size_t size = detail::cookieLine(options_.name, text, cookie).size();
    if (!values.empty() && size > most) {
      throw Error(errc::ERR_OUT_OF_RANGE, "the cookie of a session would have " +
                                              std::to_string(size) +
                                              " bytes, and browsers drop those above 4096");
    }
    // The cookie of an earlier change makes room.
    std::vector<std::string> others;
    const http::HeaderValue cookies = res.getHeader("Set-Cookie");
    for (const std::string& other : cookies.array()) others.push_back(other);
    if (others.empty() && cookies) others.emplace_back(cookies.str());
    std::erase_if(others, [this](const std::string& other) {
      return other.starts_with(options_.name + "=");
    });
    if (cookies) res.removeHeader("Set-Cookie");
    for (const std::string& other : others) res.appendHeader("Set-Cookie", other);
    if (values.empty()) {
      res.clearCookie(options_.name, cookie);
      return;
    }
    res.cookie(options_.name, text, cookie);
  }

  SessionOptions options_;
};

/// router.use(app::sessions({.secrets = {secret}}));
inline Sessions sessions(SessionOptions options) { return Sessions(std::move(options)); }

}  // namespace sluice::app
