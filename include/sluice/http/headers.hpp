// SPDX-License-Identifier: BSL-1.0
//
// Header values that remember what they were made of, and the ordered, case-insensitive map of
// headers that is given to and received from messages.
#if !defined(SLUICE_SEPARATE_COMPILATION)
#include <sluice/http.hpp>
#endif
#ifndef SLUICE_HTTP_HEADERS_HPP
#define SLUICE_HTTP_HEADERS_HPP

#include <sluice/config.hpp>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <sluice/http/detail/wire/field_lines.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::http {

class HeaderValue;

/// One header line as it was received.
struct RawHeader {
  /// Both as they came, the name in the case of the peer. They are views into the message.
  std::string_view name, value;
};

/// Throws ERR_INVALID_HTTP_TOKEN unless `name` may be the name of a header.
void validateHeaderName(std::string_view name);

/// Throws ERR_INVALID_CHAR if `value` has a byte that no header value may have: a control other
/// than tab, CR and LF above all. Bytes from 0x80 on are allowed.
///
/// name  only for the text of the error
void validateHeaderValue(std::string_view name, std::string_view value);

/// A time as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT".
///
///     res.setHeader("Last-Modified", http::formatDate(modified));
std::string formatDate(std::chrono::system_clock::time_point time);

namespace detail {

template <class T>
concept HeaderText = !std::same_as<T, HeaderValue> && !std::same_as<T, std::nullptr_t> &&
                     std::convertible_to<const T&, std::string_view>;

template <class T>
concept HeaderBytes = !std::same_as<T, HeaderValue> && !HeaderText<T> &&
                      std::convertible_to<const T&, std::span<const std::byte>>;

template <class T>
concept HeaderInteger = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                        !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                        !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class T>
concept HeaderTexts = !HeaderText<std::remove_cv_t<T>> && requires(T& range) {
  std::begin(range) != std::end(range);
  { *std::begin(range) } -> std::convertible_to<std::string_view>;
};

[[noreturn]] void throwUnsetHeader(std::string_view name);

}  // namespace detail

/// The value of a header: a text, a number or a list of texts, and it stays what it was made of.
///
/// A list goes out as several lines of the same name, a cookie's on one line. Braces around two to
/// sixteen texts make a list; around one they make that text.
class HeaderValue {
 public:
  /// Not set: Node's undefined.
  HeaderValue() = default;

  template <detail::HeaderText Text>
  HeaderValue(const Text& text) : text_(std::string_view(text)), kind_(Kind::text) {}
  // A template, which braces cannot be: `HeaderValue({"x", "y"})` is a list.
  template <std::same_as<std::string> Text>
  HeaderValue(Text&& text) noexcept : text_(std::forward<Text>(text)), kind_(Kind::text) {}

  template <detail::HeaderBytes Bytes>
  HeaderValue(const Bytes& text) : kind_(Kind::text) {
    const std::span<const std::byte> bytes(text);
    text_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  template <detail::HeaderInteger Integer>
  HeaderValue(Integer number) {
    if (std::in_range<std::int64_t>(number)) {
      setNumber(static_cast<std::int64_t>(number));
    } else {
      // Only the upper half of std::uint64_t: the text is right, and no number() would be.
      setText(std::to_string(number));
    }
  }
  /// As Node writes a number: `3.0` is "3", and a number like it.
  template <std::floating_point Floating>
  HeaderValue(Floating number) {
    setFloating(static_cast<double>(number));
  }
  /// "true" or "false", as Node does.
  template <std::same_as<bool> Bool>
  HeaderValue(Bool value) : text_(value ? "true" : "false"), kind_(Kind::text) {}
  template <std::same_as<char> Char>
  HeaderValue(Char letter) : text_(1, letter), kind_(Kind::text) {}

  template <class Texts>
    requires detail::HeaderTexts<std::remove_reference_t<Texts>>
  HeaderValue(Texts&& texts) : kind_(Kind::list) {
    for (auto&& text : texts) addToList(text);
  }
  template <detail::HeaderText... Texts>
    requires(sizeof...(Texts) <= 14)
  HeaderValue(std::string_view first, std::string_view second, const Texts&... more)
      : kind_(Kind::list) {
    list_.reserve(2 + sizeof...(more));
    addToList(first);
    addToList(second);
    (addToList(more), ...);
  }

  /// Whether it is set. An empty text is set.
  explicit operator bool() const { return kind_ != Kind::unset; }
  /// Whether it is one text.
  bool isString() const { return kind_ == Kind::text; }
  /// Whether it is an integer.
  bool isNumber() const { return kind_ == Kind::number; }
  /// Whether it is a list of texts, which makes one line each.
  bool isArray() const { return kind_ == Kind::list; }

  /// The text, the number's text, or the list joined with ", "; "" if not set.
  std::string_view str() const { return text_; }
  /// The number; 0 for everything else.
  std::int64_t number() const { return number_; }
  /// The list; empty for everything else.
  std::span<const std::string> array() const { return list_; }

  /// Compares with str(), of whatever kind the value is; unset is equal to no text.
  template <detail::HeaderText Text>
  bool operator==(const Text& text) const {
    return kind_ != Kind::unset && text_ == std::string_view(text);
  }
  template <detail::HeaderInteger Integer>
  bool operator==(Integer number) const {
    return kind_ == Kind::number && std::cmp_equal(number_, number);
  }
  template <class Texts>
    requires detail::HeaderTexts<const Texts>
  bool operator==(const Texts& texts) const {
    if (kind_ != Kind::list) return false;
    auto mine = list_.begin();
    for (auto&& text : texts) {
      if (mine == list_.end() || *mine++ != std::string_view(text)) return false;
    }
    return mine == list_.end();
  }
  /// The same kind and the same content.
  bool operator==(const HeaderValue& other) const {
    return kind_ == other.kind_ && text_ == other.text_ && list_ == other.list_;
  }

 private:
  enum class Kind : std::uint8_t { unset, text, number, list };

  void setText(std::string text);
  void setNumber(std::int64_t number);
  void setFloating(double number);
  void addToList(std::string_view text);

  std::string text_;
  std::vector<std::string> list_;
  std::int64_t number_ = 0;
  Kind kind_ = Kind::unset;
};

/// A name and its value, for the braces of `Headers{{"a", "b"}, {"n", 42}}`.
///
/// name  must live as long as the Field
class Field {
 public:
  Field() = default;
  Field(std::string_view name, HeaderValue value) : name_(name), value_(std::move(value)) {}

  /// The name as it was given. A view: what it was made from must still live.
  std::string_view name() const { return name_; }
  /// The value.
  const HeaderValue& value() const { return value_; }

 private:
  std::string_view name_;
  HeaderValue value_;
};

/// Headers in order, under names whose case does not matter.
///
/// A name given twice keeps both values, each a line of its own; get() joins them by Node's rules.
/// The spelling of names is kept for the wire. Nothing is validated here but that a value is set:
/// that happens where the headers are given to a message. Views are valid until the next change.
class Headers {
 public:
  class Iterator;
  using iterator = Iterator;
  /// The same as `iterator`: a pair cannot be changed in place.
  using const_iterator = Iterator;
  /// A lower-case name, and its values joined.
  using value_type = std::pair<std::string_view, std::string_view>;

  Headers() = default;
  // Instead of a std::initializer_list, which g++ 12 does not compile in a statement with co_await;
  // in steps, as every default argument takes room in the frame of such a coroutine.
  Headers(Field a, Field b = {}, Field c = {}, Field d = {});
  Headers(Field a, Field b, Field c, Field d, Field e, Field f = {}, Field g = {}, Field h = {});
  Headers(Field a, Field b, Field c, Field d, Field e, Field f, Field g, Field h, Field i,
          Field j = {}, Field k = {}, Field l = {}, Field m = {}, Field n = {}, Field o = {},
          Field p = {});
  Headers(Field a, Field b, Field c, Field d, Field e, Field f, Field g, Field h, Field i, Field j,
          Field k, Field l, Field m, Field n, Field o, Field p, Field q, Field r = {}, Field s = {},
          Field t = {}, Field u = {}, Field v = {}, Field w = {}, Field x = {});

  /// Replaces every value of `name` at the place of the first; a list makes several lines.
  ///
  /// throws  ERR_HTTP_INVALID_HEADER_VALUE if `value` is not set
  Headers& set(std::string_view name, const HeaderValue& value);

  /// Adds a line, or several for a list, after all others.
  ///
  /// throws  ERR_HTTP_INVALID_HEADER_VALUE if `value` is not set
  Headers& append(std::string_view name, const HeaderValue& value);

  /// Drops every line of `name`; false: there was none.
  bool remove(std::string_view name);
  bool has(std::string_view name) const { return lines_.find(name) != Lines::npos; }

  /// The values of `name` as one: of some names the first counts, cookies are joined with "; ",
  /// all others with ", ".
  std::optional<std::string_view> get(std::string_view name) const {
    const std::size_t line = lines_.find(name);
    if (line == Lines::npos) return std::nullopt;
    return joined(line);
  }
  /// The same, "" if absent.
  std::string_view operator[](std::string_view name) const {
    const std::size_t line = lines_.find(name);
    return line == Lines::npos ? std::string_view() : joined(line);
  }
  /// Every line of `name` apart: Node's headersDistinct.
  std::vector<std::string_view> getAll(std::string_view name) const;
  std::vector<std::string_view> getSetCookie() const { return getAll("set-cookie"); }

  /// How many different names there are.
  std::size_t size() const { return names_; }
  bool empty() const { return lines_.empty(); }
  /// The names in lower case, each once, in the order of their first lines.
  std::vector<std::string_view> keys() const;

  /// Pairs of lower-case name and joined value, each name once.
  Iterator begin() const;
  Iterator end() const;

  /// What goes over the wire: every line in order, the name as it was spelled.
  std::size_t lineCount() const { return lines_.size(); }
  RawHeader line(std::size_t index) const { return {lines_.name(index), lines_.value(index)}; }
  /// The first line with the same name as line `index`: `index` itself, or one before it.
  std::size_t firstLineOf(std::size_t index) const { return lines_.mark(index).head; }

  /// Copies received lines, in place of what was there; needs no new memory if as much was held
  /// before. They are lines of something else, and no views of these.
  ///
  /// joinDuplicateHeaders  names of which the first line would count are joined with ", " as well
  Headers& assign(std::span<const RawHeader> lines, bool joinDuplicateHeaders = false);

  /// Keeps the memory.
  void clear();

 private:
  struct Mark {
    static constexpr bool lowerNames = true;
    std::uint32_t head = 0;    // the first line of the same name
    std::uint32_t joined = 0;  // of that line: which of joined_, counted from 1; 0: none
  };
  using Lines = detail::FieldLines<Mark>;

  std::string_view joined(std::size_t head) const {
    const std::uint32_t index = lines_.mark(head).joined;
    return index == 0 ? lines_.value(head) : std::string_view(joined_[index - 1]);
  }
  void addField(const Field& field);
  void addLine(std::string_view name, std::string_view value);
  void join(std::size_t head, std::size_t line);
  void eraseAfter(std::size_t first);
  void findHeads();
  void link();

  Lines lines_;
  std::vector<std::string> joined_;  // values of names with several lines
  std::size_t names_ = 0;
  bool joinDuplicates_ = false;
};

class Headers::Iterator {
 public:
  /// What C++17 may do with it: `*` gives a value, not a reference.
  using iterator_category = std::input_iterator_tag;
  /// What C++20 may do with it: go over the headers more than once.
  using iterator_concept = std::forward_iterator_tag;
  /// What `*` gives.
  using value_type = Headers::value_type;
  /// The distance of two iterators.
  using difference_type = std::ptrdiff_t;
  /// The pair itself.
  using reference = value_type;

  /// What `->` gives: the pair is made on the spot and needs a place to be.
  class pointer {
   public:
    explicit pointer(value_type pair) : pair_(pair) {}
    /// The pair, which lives as long as this.
    const value_type* operator->() const { return &pair_; }

   private:
    value_type pair_;
  };

  Iterator() = default;
  /// The lower-case name and the joined value.
  value_type operator*() const {
    return {headers_->lines_.lowerName(line_), headers_->joined(line_)};
  }
  /// A member of the pair.
  pointer operator->() const { return pointer(**this); }
  /// Goes to the next name. Later lines of a name that was shown are skipped.
  Iterator& operator++() {
    ++line_;
    skip();
    return *this;
  }
  /// The same; the result stands where this one stood.
  Iterator operator++(int) {
    Iterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Iterator& other) const { return line_ == other.line_; }

 private:
  friend class Headers;
  Iterator(const Headers& headers, std::size_t line) : headers_(&headers), line_(line) { skip(); }

  void skip() {
    while (line_ < headers_->lineCount() && headers_->firstLineOf(line_) != line_) ++line_;
  }

  const Headers* headers_ = nullptr;
  std::size_t line_ = 0;
};

inline Headers::Iterator Headers::begin() const { return {*this, 0}; }
inline Headers::Iterator Headers::end() const { return {*this, lines_.size()}; }

}  // namespace sluice::http

#endif
