// SPDX-License-Identifier: BSL-1.0
//
// Beast's parser as a function from bytes to calls on a sink: the one engine for heads, be they
// read as a whole or line by line. It lives for one pass. Beast also judges the fields that frame a
// message, and its versions differ in that. So a head that it refuses is read again by lines, where
// it sees no such field, and only its grammar counts.
#pragma once

#include <sluice/config.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <sluice/error.hpp>
#include <string_view>

namespace sluice::http::detail {

// Pure virtual from Beast 359 on, hence no `override`; in a class of its own, as clang warns of a
// function without the word beside others that have it. Bodies and trailers never get here.
template <bool isRequest>
class WithoutTrailers : public boost::beast::http::basic_parser<isRequest> {
  using BeastView = boost::beast::string_view;

  void on_trailer_field_impl(boost::beast::http::field, BeastView, BeastView, error_code&) {}
};

/// Sink has, each returning whether to go on:
///   bool onRequestLine(verb, std::string_view method, std::string_view target, int version)
///   bool onStatusLine(int status, std::string_view reason, int version)
///   bool onFieldLine(field, std::string_view name, std::string_view value)
/// `verb` and `field` are what Beast has found the method and the name to be.
template <bool isRequest, class Sink>
class HeadEngine final : private WithoutTrailers<isRequest> {
  using BeastView = boost::beast::string_view;

 public:
  explicit HeadEngine(Sink& sink) : sink_(sink) {
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
    this->body_limit(boost::none);
  }

  /// Reads the head that `input` begins with, and nothing after it. Clear if the sink saw all of
  /// it; HPE_INTERNAL if the sink stopped or a line is folded; otherwise Beast's own error,
  /// need_more included.
  error_code run(std::string_view input) {
    error_code error;
    input_ = input;
    consumed_ = this->put(boost::asio::const_buffer(input.data(), input.size()), error);
    if (!error && !this->is_header_done()) error = boost::beast::http::error::need_more;
    return error;
  }

  /// The size of the head, after a run without an error.
  std::size_t consumed() const { return consumed_; }

 private:
  static std::string_view view(BeastView text) { return {text.data(), text.size()}; }

  // RFC 9112 §5.2: Beast joins the parts of a folded line. Then the value is a copy outside of the
  // input, or it begins on a later line than its name.
  bool isFolded(BeastView name, BeastView value) const {
    const auto offset = reinterpret_cast<std::uintptr_t>(value.data()) -
                        reinterpret_cast<std::uintptr_t>(input_.data());
    if (offset > input_.size()) return true;
    const char* const afterColon = name.data() + name.size() + 1;
    const auto blanks = static_cast<std::size_t>(value.data() - afterColon);
    return blanks > 1 && std::memchr(afterColon, '\r', blanks) != nullptr;
  }

  static void stopUnless(bool goOn, error_code& error) {
    if (!goOn) error = errc::HPE_INTERNAL;
  }

  void on_request_impl(boost::beast::http::verb verb, BeastView method, BeastView target,
                       int version, error_code& error) override {
    stopUnless(sink_.onRequestLine(verb, view(method), view(target), version), error);
  }
  void on_response_impl(int status, BeastView reason, int version, error_code& error) override {
    stopUnless(sink_.onStatusLine(status, view(reason), version), error);
  }
  void on_field_impl(boost::beast::http::field field, BeastView name, BeastView value,
                     error_code& error) override {
    stopUnless(!isFolded(name, value) && sink_.onFieldLine(field, view(name), view(value)), error);
  }

  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  Sink& sink_;
  std::string_view input_;
  std::size_t consumed_ = 0;
};

}  // namespace sluice::http::detail
