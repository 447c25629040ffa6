// SPDX-License-Identifier: BSL-1.0
//
// Definitions of response_filter.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <sluice/error.hpp>
#include <sluice/web/compress/detail/response_filter.hpp>
#include <sluice/web/detail/text.hpp>
#include <span>
#include <utility>

namespace sluice::compress::detail {

using web::detail::listHas, web::detail::partBefore, sluice::detail::equalIgnoreCase;

SLUICE_DECL void ResponseFilter::attach(std::shared_ptr<EncoderPool> pool,
                                        const http::IncomingMessage& req, http::ServerResponse& res,
                                        const Options& options) {
  pool_ = std::move(pool);
  res_ = &res;
  options_ = options;
  accepted_ = {};
  for (const http::RawHeader& line : req.rawHeaders()) {
    if (equalIgnoreCase(line.name, "accept-encoding")) accepted_.add(line.value);
  }
  isHead_ = req.method() == "HEAD";
  flushes_ = refused_ = ended_ = false;
}

SLUICE_DECL bool ResponseFilter::begin(http::OutgoingMessage&,
                                       std::optional<std::uint64_t> length) {
  if (hasOwnForm()) return false;
  if (res_->statusCode == 304) describeUnchanged();
  if (!mayHaveCoding()) return false;
  const bool mustEncode = accepted_.refusesIdentity();
  if (!mustEncode && !isWorthIt()) return false;
  addVary();
  static constexpr Coding usual[] = {
#if defined(SLUICE_ZSTD)
    Coding::zstd,
#endif
#if defined(SLUICE_BROTLI)
    Coding::br,
#endif
    Coding::gzip,
    Coding::deflate
  };
  const std::span<const Coding> from =
      options_.prefer.empty() ? std::span<const Coding>(usual) : options_.prefer;
  const std::optional<Coding> chosen = accepted_.choose(from);
  if (!chosen) {
    if (res_->statusCode < 200 || res_->statusCode > 299) return false;
    refuse();
    return true;
  }
  if (*chosen == Coding::identity) return false;
  const auto known = knownLength(length);
  if (!mustEncode && known && *known < options_.threshold) return false;
  coding_ = *chosen;
  extent_ = length ? Extent::whole : Extent::stream;
  changeHeaders();
  return true;
}

SLUICE_DECL bool ResponseFilter::mayHaveCoding() const {
  const int status = res_->statusCode;
  return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304;
}

SLUICE_DECL bool ResponseFilter::hasOwnForm() const {
  return res_->hasHeader("content-encoding") || res_->hasHeader("content-range") ||
         listHas(res_->headerText("cache-control"), "no-transform");
}

// RFC 9110 §15.4.5: a 304 has the Vary and the ETag that the 200 would have. Its type is often left
// out. Whether the 200 was compressed shows in the tag that the client has kept.
SLUICE_DECL void ResponseFilter::describeUnchanged() {
  if (res_->hasHeader("content-type") && !isWorthIt()) return;
  addVary();
  const std::string_view etag = res_->headerText("etag");
  if (!etag.starts_with('"')) return;
  const auto kept = res_->req().headers().get("if-none-match");
  out_.assign("W/").append(etag);
  if (kept && kept->find(out_) != std::string_view::npos) {
    res_->setHeader("ETag", std::string_view(out_));
  }
}

SLUICE_DECL bool ResponseFilter::isWorthIt() const {
  const std::string_view type = res_->headerText("content-type");
  return options_.compressible ? options_.compressible(type) : isCompressible(type);
}

SLUICE_DECL std::optional<std::uint64_t> ResponseFilter::knownLength(
    std::optional<std::uint64_t> whole) const {
  const std::string_view text = res_->headerText("content-length");
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (!text.empty() && error == std::errc() && end == text.data() + text.size()) return length;
  // A handler need not make the body for HEAD.
  if (isHead_ && whole == 0U) return std::nullopt;
  return whole;
}

SLUICE_DECL void ResponseFilter::addVary() {
  if (!res_->hasHeader("vary")) {
    res_->setHeader("Vary", std::string_view("Accept-Encoding"));
    return;
  }
  const http::HeaderValue vary = res_->getHeader("vary");
  if (listHas(vary.str(), "*") || listHas(vary.str(), "accept-encoding")) return;
  out_.assign(vary.str()).append(", Accept-Encoding");
  res_->setHeader("Vary", std::string_view(out_));
}

// RFC 9110 12.5.3: nothing that the client accepts can be sent.
SLUICE_DECL void ResponseFilter::refuse() {
  refused_ = true;
  res_->statusCode = 406;
  res_->statusMessage.clear();
  for (const std::string_view name : {"content-type", "etag", "last-modified", "accept-ranges"}) {
    res_->removeHeader(name);
  }
  res_->removeHeader("transfer-encoding");
  res_->setHeader("Content-Length", 0);
}

SLUICE_DECL void ResponseFilter::changeHeaders() {
  flushes_ =
      equalIgnoreCase(partBefore(res_->headerText("content-type"), ";"), "text/event-stream");
  res_->setHeader("Content-Encoding", codingName(coding_));
  // RFC 9110 8.8.1: the bytes are others than those that the strong validator names.
  if (const std::string_view etag = res_->headerText("etag"); etag.starts_with('"')) {
    out_.assign("W/").append(etag);
    res_->setHeader("ETag", std::string_view(out_));
  }
  if (res_->hasHeader("content-length")) res_->removeHeader("content-length");
  if (res_->hasHeader("accept-ranges")) res_->removeHeader("accept-ranges");
}

SLUICE_DECL std::string_view ResponseFilter::run(std::string_view bytes, Step step) {
  if (refused_) return {};
  if (!encoder_) {
    encoder_ = pool_->takeEncoder(coding_, extent_);
    encoder_->begin(options_.level);
  }
  out_.clear();
  encoder_->encode(bytes, step, out_);
  return out_;
}

SLUICE_DECL std::string_view ResponseFilter::write(std::string_view piece) {
  return run(piece, flushes_ ? Step::flush : Step::more);
}
SLUICE_DECL std::string_view ResponseFilter::flush() {
  return encoder_ ? run({}, Step::flush) : std::string_view();
}
SLUICE_DECL std::string_view ResponseFilter::end() {
  const std::string_view rest = run({}, Step::last);
  ended_ = true;
  return rest;
}

SLUICE_DECL void ResponseFilter::release() noexcept {
  constexpr std::size_t keptBytes = 64 * 1024;
  std::unique_ptr<ResponseFilter> self(this);
  const std::shared_ptr<EncoderPool> pool = std::move(pool_);
  // One that was left in the middle of a body may hold more memory than it says.
  if (encoder_ && ended_) pool->give(std::move(encoder_));
  encoder_ = nullptr;
  if (out_.capacity() > keptBytes) out_ = std::string();
  pool->give(std::move(self));
}

}  // namespace sluice::compress::detail
