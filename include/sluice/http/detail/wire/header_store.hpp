// SPDX-License-Identifier: BSL-1.0
//
// The headers that a message is going to send: in order, spelled as given, of the type they were
// given in, and always ready to be copied to the wire. The one place where the names and values of
// outgoing headers are validated.
#pragma once

#include <sluice/config.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <sluice/http/detail/wire/field_lines.hpp>
#include <sluice/http/detail/wire/known_header.hpp>
#include <sluice/http/headers.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http::detail {

class KnownHeaders {
 public:
  constexpr KnownHeaders() = default;
  template <std::same_as<KnownHeader>... Headers>
  constexpr explicit KnownHeaders(Headers... headers) {
    (insert(headers), ...);
  }

  constexpr bool has(KnownHeader header) const { return (bits_ & bit(header)) != 0; }
  constexpr bool hasAny(KnownHeaders of) const { return (bits_ & of.bits_) != 0; }
  constexpr void insert(KnownHeader header) {
    bits_ = static_cast<std::uint16_t>(bits_ | bit(header));
  }
  constexpr void insert(KnownHeaders more) {
    bits_ = static_cast<std::uint16_t>(bits_ | more.bits_);
  }
  constexpr void erase(KnownHeaders others) {
    bits_ = static_cast<std::uint16_t>(bits_ & ~others.bits_);
  }
  constexpr void erase(KnownHeader header) {
    bits_ = static_cast<std::uint16_t>(bits_ & ~bit(header));
  }

 private:
  static constexpr unsigned bit(KnownHeader header) {
    return header == KnownHeader::other ? 0U : 1U << static_cast<unsigned>(header);
  }

  std::uint16_t bits_ = 0;
};

/// Throws ERR_HTTP_INVALID_HEADER_VALUE for a Content-Length or Transfer-Encoding that recipients
/// could not use.
[[noreturn]] void throwUnusable(KnownHeader header, std::string_view value);

/// Throws what setting each of the headers would throw.
void validateHeaders(const Headers& headers);

class HeaderStore {
 public:
  /// Node's setHeader: replaces what has the name, at its place, in the new spelling.
  ///
  /// throws  ERR_INVALID_HTTP_TOKEN, ERR_INVALID_CHAR, ERR_HTTP_INVALID_HEADER_VALUE, also for a
  ///         Content-Length that is no number and a Transfer-Encoding that is no list of codings
  ///         with chunked last; then nothing has changed
  void set(std::string_view name, const HeaderValue& value);
  // The same without making a HeaderValue: no allocation if there is room.
  template <HeaderText Text>
  void set(std::string_view name, const Text& text) {
    setText(name, text);
  }
  template <HeaderInteger Integer>
  void set(std::string_view name, Integer number) {
    if (std::in_range<std::int64_t>(number)) {
      setNumber(name, static_cast<std::int64_t>(number));
    } else {
      set(name, HeaderValue(number));
    }
  }

  /// As set("Host", value) if there is none yet.
  void addHost(std::string_view value);

  /// Node's appendHeader: adds to the values there are, under the spelling there is.
  void append(std::string_view name, const HeaderValue& value);

  /// What writeHead() brings: its values win, at the place of the header that had the name before;
  /// a name that comes twice there has both values. Throws before anything has changed.
  void merge(const Headers& headers);
  /// The same with what was validated when it was stored there.
  void merge(const HeaderStore& prepared);

  /// Also notes that an automatic header of that name is not wanted.
  void remove(std::string_view name);

  bool has(std::string_view name) const { return lines_.find(name) != Lines::npos; }
  /// As it was set; unset if absent.
  HeaderValue get(std::string_view name) const;
  /// The first line's value without a copy, "" if absent; valid until the next change.
  std::string_view text(std::string_view name) const;

  /// Names in lower case, and as spelled, in order.
  std::vector<std::string> names() const;
  std::vector<std::string> rawNames() const;
  Headers headers() const;

  bool empty() const { return lines_.empty(); }
  /// Forgets removals as well, and keeps the memory.
  void clear();

  /// Whether there is a line of it. An empty list is there for has(name), but is no line.
  bool has(KnownHeader header) const { return present_.has(header); }
  KnownHeaders present() const { return present_; }
  /// Whether remove() was called for it and nothing was set since.
  bool removed(KnownHeader header) const { return removed_.has(header); }

  // What goes to the wire, line by line; those of one name are side by side.
  std::size_t lineCount() const { return lines_.size(); }
  RawHeader line(std::size_t index) const { return {lines_.name(index), lines_.value(index)}; }
  KnownHeader known(std::size_t index) const { return lines_.mark(index).known; }
  std::size_t firstLineOf(std::size_t index) const {
    while (index != 0 && equalIgnoreCase(lines_.name(index - 1), lines_.name(index))) --index;
    return index;
  }
  /// With CR LF; empty for the place of an empty list.
  std::string_view wire(std::size_t index) const {
    return isLine(index) ? lines_.wire(index) : std::string_view();
  }
  /// Whether wire() of all lines is what has to be sent, as long as no name must be on one line.
  bool isPlain() const { return emptyLists_ == 0 && !present_.has(KnownHeader::cookie); }
  std::string_view wire() const { return lines_.wire(); }

 private:
  enum class Kind : std::uint8_t { text, number, list, emptyList };
  struct Mark {
    static constexpr bool lowerNames = false;
    Kind kind = Kind::text;
    KnownHeader known = KnownHeader::other;
  };
  using Lines = FieldLines<Mark>;

  void setText(std::string_view name, std::string_view text);
  void setNumber(std::string_view name, std::int64_t number);
  bool isLine(std::size_t index) const { return lines_.mark(index).kind != Kind::emptyList; }
  // Where it stands.
  std::size_t put(std::string_view name, std::string_view value, Kind kind);
  void put(std::string_view name, std::span<const std::string> values);
  void eraseLine(std::size_t index);
  void eraseFrom(std::size_t index, std::string_view name);

  Lines lines_;
  KnownHeaders present_;
  KnownHeaders removed_;
  std::uint32_t emptyLists_ = 0;
};

}  // namespace sluice::http::detail
