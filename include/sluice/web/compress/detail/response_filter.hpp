// SPDX-License-Identifier: BSL-1.0
//
// The body filter that compresses a response: decides by its headers, then runs an encoder.
#pragma once

#include <memory>
#include <optional>
#include <sluice/http/body_filter.hpp>
#include <sluice/http/incoming_message.hpp>
#include <sluice/http/server_response.hpp>
#include <sluice/web/compress/apply.hpp>
#include <sluice/web/compress/detail/accepted.hpp>
#include <sluice/web/compress/detail/encoder.hpp>
#include <sluice/web/compress/detail/encoder_pool.hpp>
#include <string>
#include <string_view>

namespace sluice::compress::detail {

class ResponseFilter final : public http::BodyFilter {
 public:
  /// For a response to come. Keeps memory of the one before.
  void attach(std::shared_ptr<EncoderPool> pool, const http::IncomingMessage& req,
              http::ServerResponse& res, const Options& options);

  SLUICE_DECL bool begin(http::OutgoingMessage& message,
                         std::optional<std::uint64_t> length) override;
  SLUICE_DECL std::string_view write(std::string_view piece) override;
  SLUICE_DECL std::string_view flush() override;
  SLUICE_DECL std::string_view end() override;
  SLUICE_DECL void release() noexcept override;

 private:
  bool mayHaveCoding() const;
  bool hasOwnForm() const;
  void describeUnchanged();
  bool isWorthIt() const;
  std::optional<std::uint64_t> knownLength(std::optional<std::uint64_t> whole) const;
  void addVary();
  void refuse();
  void changeHeaders();
  std::string_view run(std::string_view bytes, Step step);

  std::shared_ptr<EncoderPool> pool_;
  http::ServerResponse* res_ = nullptr;
  Options options_;
  Accepted accepted_;
  bool isHead_ = false;
  bool flushes_ = false;  // an event stream: each write is to arrive
  bool ended_ = false;
  bool refused_ = false;  // the answer became 406: the body is dropped
  Coding coding_ = Coding::identity;
  Extent extent_ = Extent::stream;
  std::unique_ptr<Encoder> encoder_;
  std::string out_;
};

}  // namespace sluice::compress::detail
