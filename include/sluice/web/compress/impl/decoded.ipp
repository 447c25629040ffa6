// SPDX-License-Identifier: BSL-1.0
//
// Definitions of decoded.hpp: a chain of decoders, each with one buffer, that is pulled at its end.
#pragma once

#include <array>
#include <cstdint>
#include <sluice/error.hpp>
#include <sluice/web/compress/decoded.hpp>
#include <sluice/web/compress/detail/accepted.hpp>
#include <sluice/web/compress/detail/decoder.hpp>
#include <sluice/web/detail/text.hpp>
#include <utility>
#include <vector>

namespace sluice::compress {

class Decoded::State {
 public:
  enum class Pull { piece, input, end };

  State(http::IncomingMessage& received, Limits most) : message(&received), limits_(most) {}

  /// What read() returned last has been used.
  void forgetPiece() {
    if (stages_.empty()) {
      wire_ = {};
    } else {
      stages_.back().unread = {};
    }
  }

  void received(std::optional<std::string_view> piece) {
    // A message without a body needs no decoder, whatever its header says: the answer to HEAD, for
    // one.
    hasBody_ = hasBody_ || piece;
    if (hasBody_ && !begun_) begin();
    if (!piece) {
      wireEnded_ = true;
      return;
    }
    wire_ = *piece;
    wireBytes_ += piece->size();
    if (stages_.empty()) check(wireBytes_);
  }

  Pull pull() {
    refuseTooLarge();
    if (!stages_.empty()) return pull(stages_.size() - 1);
    if (!wire_.empty()) return Pull::piece;
    return wireEnded_ ? Pull::end : Pull::input;
  }
  std::string_view piece() const { return stages_.empty() ? wire_ : stages_.back().unread; }

  http::IncomingMessage* message;

 private:
  static constexpr std::size_t mostCodings = 4;
  static constexpr std::uint64_t ratioCountsFrom = 64 * 1024;
  using Buffer = std::array<char, 16 * 1024>;

  struct Stage {
    std::unique_ptr<detail::Decoder> decoder;
    std::unique_ptr<Buffer> buffer;
    std::string_view unread{};
    std::uint64_t made = 0;
    bool begun = false;
    bool mayHaveMore = false;
  };

  /// Makes the decoders.
  void begin() {
    const auto names = message->headers().get("content-encoding");
    std::vector<Coding> codings;
    web::detail::forEachItem(names.value_or(std::string_view()), [&](std::string_view name) {
      const auto coding = detail::codingNamed(name);
      if (coding == Coding::identity) return;
      if (!coding || !isBuiltIn(*coding) || codings.size() == mostCodings) {
        throw http::Error(make_error_code(http::errc::ERR_UNSUPPORTED_ENCODING));
      }
      codings.push_back(*coding);
    });
    // The last one was applied last.
    for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
      stages_.push_back({makeDecoder_(*coding), std::make_unique<Buffer>()});
    }
    begun_ = true;
  }

  // Decoding stops at the limit, also of what is only the input of the next stage: that costs time.
  void check(std::uint64_t made) {
    const bool large = limits_.size != 0 && made > limits_.size;
    const bool blown =
        limits_.ratio != 0 && made > ratioCountsFrom && (made - 1) / limits_.ratio >= wireBytes_;
    tooLarge_ = large || blown;
    refuseTooLarge();
  }

  // At every later read as well: a body that is cut must not look complete.
  void refuseTooLarge() const {
    if (tooLarge_) throw http::Error(make_error_code(http::errc::ERR_BODY_TOO_LARGE));
  }

  Pull pull(std::size_t index) {
    Stage& stage = stages_[index];
    while (stage.unread.empty()) {
      std::string_view& input = index == 0 ? wire_ : stages_[index - 1].unread;
      if (input.empty() && !stage.mayHaveMore) {
        Pull from = Pull::input;
        if (index != 0) {
          from = pull(index - 1);
        } else if (wireEnded_) {
          from = Pull::end;
        }
        // Nothing at all is not damaged.
        if (from == Pull::end && stage.begun && !stage.decoder->ended()) detail::throwDamaged();
        if (from != Pull::piece) return from;
      }
      decode(stage, input);
    }
    return Pull::piece;
  }

  void decode(Stage& stage, std::string_view& input) {
    stage.begun = true;
    const auto [read, written] = stage.decoder->decode(input, *stage.buffer);
    if (read == 0 && written == 0 && !input.empty()) detail::throwDamaged();
    input.remove_prefix(read);
    stage.unread = std::string_view(stage.buffer->data(), written);
    stage.mayHaveMore = written == stage.buffer->size();
    stage.made += written;
    check(stage.made);
  }

  // By a pointer: what read() calls by name goes into every program of g++ 12, and needs zlib.
  std::unique_ptr<detail::Decoder> (*makeDecoder_)(Coding) = &detail::makeDecoder;
  Limits limits_;
  std::vector<Stage> stages_;
  std::string_view wire_;
  std::uint64_t wireBytes_ = 0;
  bool hasBody_ = false;
  bool wireEnded_ = false;
  bool begun_ = false;
  bool tooLarge_ = false;
};

SLUICE_DECL Decoded::Decoded(http::IncomingMessage& message, Limits limits)
    : state_(std::make_unique<State>(message, limits)) {}
SLUICE_DECL Decoded::Decoded(Decoded&&) noexcept = default;
SLUICE_DECL Decoded& Decoded::operator=(Decoded&&) noexcept = default;
SLUICE_DECL Decoded::~Decoded() = default;

SLUICE_DECL task<std::optional<std::string_view>> Decoded::read() {
  State& state = *sluice::detail::held(state_, "The body");
  state.forgetPiece();
  State::Pull pulled = state.pull();
  while (pulled == State::Pull::input) {
    const std::optional<std::string_view> piece = co_await state.message->read();
    state.received(piece);
    pulled = state.pull();
  }
  if (pulled == State::Pull::end) co_return std::nullopt;
  co_return state.piece();
}

SLUICE_DECL task<std::string> Decoded::text() {
  std::string text;
  while (const auto piece = co_await read()) text.append(*piece);
  co_return text;
}

}  // namespace sluice::compress
