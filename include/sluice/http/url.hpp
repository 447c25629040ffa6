// SPDX-License-Identifier: BSL-1.0
//
// URLs as browsers and Node read them (WHATWG URL Standard): URL takes a text apart, resolves it
// against a base and writes it in its one normal form, URLSearchParams is the list of its
// query. Pure: text in, text out. Names are not looked up and nothing is opened here.
#pragma once

#include <sluice/config.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http {

namespace detail {

/// Turns each %XX into its byte; a '%' without two hex digits after it stays as it is. The result
/// may hold any byte, NUL and CR LF included.
std::string percentDecode(std::string_view text);

}  // namespace detail

/// The name-value pairs of a query, in order, names may repeat (application/x-www-form-urlencoded).
///
/// Every name and value is taken and given decoded. Node: URLSearchParams. Differs from Node:
/// `delete` is a keyword here and is called `remove`; escapes that are not UTF-8 keep their bytes
/// (Node puts U+FFFD there), so what came in goes out again.
class URLSearchParams {
 public:
  using value_type = std::pair<std::string, std::string>;
  /// Goes over the pairs of name and value, in order.
  using const_iterator = std::vector<value_type>::const_iterator;

  URLSearchParams() = default;

  /// Reads "a=1&b=2", with or without a '?' in front. Every text is a query: nothing throws.
  explicit URLSearchParams(std::string_view query);

  URLSearchParams(const URLSearchParams&) = default;
  URLSearchParams(URLSearchParams&&) = default;

  /// Replaces the whole list; on a URL's own list this rewrites the URL's query, as any edit does.
  URLSearchParams& operator=(URLSearchParams other) noexcept;
  ~URLSearchParams() = default;

  /// The first value of that name, or nullopt.
  std::optional<std::string> get(std::string_view name) const;

  /// All values of that name, in order.
  std::vector<std::string> getAll(std::string_view name) const;

  /// Whether there is a pair of that name.
  bool has(std::string_view name) const;
  /// Whether there is a pair of that name and that value.
  bool has(std::string_view name, std::string_view value) const;

  /// Adds a pair at the end, whether or not the name is there already.
  void append(std::string_view name, std::string_view value);

  /// Gives the first pair of that name this value and drops the others; appends if there is
  /// none.
  void set(std::string_view name, std::string_view value);

  /// Drops all pairs of that name, or those of that name and value. Node: delete().
  void remove(std::string_view name);
  void remove(std::string_view name, std::string_view value);

  /// Sorts by name; pairs of one name keep their order. The order is that of UTF-16 code units, as
  /// in Node: it differs from the order of bytes between U+E000..U+FFFF and what lies above.
  void sort();

  /// How many pairs there are; a name counts as often as it is there.
  std::size_t size() const { return pairs_.size(); }
  /// The pairs, in order.
  const_iterator begin() const { return pairs_.begin(); }
  const_iterator end() const { return pairs_.end(); }

  /// The query, encoded and without '?'; "" for an empty list.
  std::string toString() const;

  friend bool operator==(const URLSearchParams& left, const URLSearchParams& right) {
    return left.pairs_ == right.pairs_;
  }

 private:
  friend class URL;

  std::vector<value_type> pairs_;
  // A URL writes its query anew once its list was edited, even if that changed no pair.
  bool edited_ = false;
};

/// An absolute URL in its normal form. A regular value: equal URLs have equal href().
///
///     http::URL url("../b?q=1", "http://user@Example.com:80/x/y/");
///     url.href();                             // "http://user@example.com/x/b?q=1"
///     url.searchParams().set("q", "two 2");   // url.search() is now "?q=two+2"
///
/// The views that members return live until the URL is assigned to or destroyed.
///
/// Differs from Node, whose URL is otherwise met byte for byte:
///   - `file:` URLs are refused (ERR_INVALID_URL).
///   - Host names are ASCII. A byte above 0x7F in the host of http, https, ws, wss or ftp, plain or
///     percent-encoded, is refused. Give the xn-- form of such a name; it is passed on unchecked.
///   - Components cannot be assigned; only searchParams() edits.
///   - The origin of `blob:` is "null".
///   - Text is bytes: what is not ASCII is percent-encoded byte by byte, even if it is not UTF-8.
///   - Where Node 20 departs from the standard, the standard holds: "http://h/.b/." has the path
///     "/.b/", "foo://h/.." the path "/", a base's empty query is kept, and only a fragment can be
///     relative to a base without slashes.
/// The standard has changed since Node 20: '^' in a path stays as it is, as in Node 20, and a blank
/// at the end of a path without slashes becomes %20 before a query or fragment, as is the rule now.
class URL {
 public:
  /// Parses an absolute URL, or one relative to `base`.
  ///
  /// Blanks and control characters around `input` and tabs and line ends in it are dropped, as the
  /// standard wants. The texts may go when the constructor returns.
  ///
  /// throws   ERR_INVALID_URL; what() says what is wrong and quotes the input, a password in it
  ///          included: its first 200 bytes, control characters percent-encoded
  explicit URL(std::string_view input);
  URL(std::string_view input, std::string_view base);
  URL(std::string_view input, const URL& base);

  URL(const URL& other);
  URL(URL&&) noexcept = default;
  URL& operator=(const URL& other);
  URL& operator=(URL&&) noexcept = default;
  ~URL() = default;

  /// Whether the constructor of the same arguments would return.
  static bool canParse(std::string_view input);
  static bool canParse(std::string_view input, std::string_view base);
  static bool canParse(std::string_view input, const URL& base);

  /// The whole URL. Parsing it gives an equal URL.
  std::string href() const;

  /// "http://host:port" without the default port; "null" where the scheme has no origin.
  std::string origin() const;

  /// The scheme in lower case with its colon: "http:".
  std::string_view protocol() const { return parts_.protocol; }

  /// Percent-encoded, as they stand in the URL; "" if there is none.
  std::string_view username() const { return parts_.username; }
  std::string_view password() const { return parts_.password; }

  /// hostname(), and ":port" if port() is not empty.
  std::string host() const;

  /// Lower case; an IPv4 address in four decimals, an IPv6 address shortened and in brackets.
  std::string_view hostname() const { return parts_.hostname; }

  /// Decimal digits; "" if none is given and if it is the scheme's own.
  std::string_view port() const { return parts_.port; }

  /// Percent-encoded, dot segments resolved; begins with '/' for http and its kin.
  std::string_view pathname() const { return parts_.pathname; }

  /// The query with its '?', percent-encoded; "" if it is absent or empty.
  std::string search() const;

  /// The list of search()'s pairs. Edits show in search() and href() at once.
  ///
  /// The reference lives until the URL is assigned to or destroyed, and survives a move with it.
  /// On a const or temporary URL a copy is returned, so nothing dangles.
  URLSearchParams& searchParams() &;
  URLSearchParams searchParams() const&;

  /// The fragment with its '#', percent-encoded; "" if it is absent or empty.
  std::string_view hash() const {
    return parts_.hash.size() > 1 ? std::string_view(parts_.hash) : std::string_view();
  }

  friend bool operator==(const URL& left, const URL& right) { return left.href() == right.href(); }

 private:
  class Parser;

  // In normal form. `query` and `hash` keep their first character, which tells "absent" from
  // "empty".
  struct Parts {
    std::string protocol, username, password, hostname, port, pathname, query, hash;
    bool hasHost = false;        // "foo:/x" has none, "foo:///x" has an empty one
    bool hasOpaquePath = false;  // "mailto:x": no slashes, nothing can be relative to it
  };

  static Parts parsed(std::string_view input, const Parts* base);
  std::string query() const;
  Parts current() const;

  Parts parts_;
  std::unique_ptr<URLSearchParams> searchParams_;  // made when first asked for
};

}  // namespace sluice::http

#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/detail/definitions/url.hpp>
#endif
