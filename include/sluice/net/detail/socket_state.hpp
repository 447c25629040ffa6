// SPDX-License-Identifier: BSL-1.0
//
// What a socket has come to: its life, its two halves, and what follows its last byte. Pure.
//
//   life     connecting ──► open ──► destroyed ──► closed
//                └─────────────────────►
//   input    open ──► ended ──► told
//   output   open ──► ending ──► ended
//   closing  no ──► afterOutput ──► lingering
//
// Each moves to the right only.
#pragma once

#include <sluice/config.hpp>
#include <cstdint>

namespace sluice::net::detail {

class SocketState {
 public:
  /// closed: the listeners of "close" were called, if there were any.
  enum class Life : std::uint8_t { connecting, open, destroyed, closed };
  /// ended: the peer's end was read. told: the listeners of "end" were called.
  enum class Input : std::uint8_t { open, ended, told };
  /// ending: end() was called, and bytes may wait. ended: the peer was told.
  enum class Output : std::uint8_t { open, ending, ended };
  /// What follows the end of the output. afterOutput: destroy(). lingering: what the peer still
  /// sends is thrown away for a while first.
  enum class Closing : std::uint8_t { no, afterOutput, lingering };

  Life life() const { return life_; }
  Input input() const { return input_; }
  Output output() const { return output_; }
  Closing closing() const { return closing_; }

  /// false: it has come that far already, and stays where it is.
  bool move(Life to) { return move(life_, to); }
  bool move(Input to) { return move(input_, to); }
  bool move(Output to) { return move(output_, to); }
  bool move(Closing to) { return move(closing_, to); }

 private:
  template <class T>
  static bool move(T& at, T to) {
    if (to <= at) return false;
    at = to;
    return true;
  }

  Life life_ = Life::connecting;
  Input input_ = Input::open;
  Output output_ = Output::open;
  Closing closing_ = Closing::no;
};

}  // namespace sluice::net::detail
