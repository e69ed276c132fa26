#pragma once

#include <array>
#include <cstdint>

namespace hogwild::daemon {

/// Which numbers of one sender were seen: each is new once.
///
/// Source: RFC 6479. A sender counts what it sends to everybody, so that one receiver sees gaps;
/// the window is as wide as 64 members' worth of 64 datagrams. Numbers behind it count as seen.
class ReplayWindow {
 public:
  static constexpr std::uint64_t kWidth = 4096;

  [[nodiscard]] bool is_new(std::uint64_t number) const {
    if (number >= next_) return true;
    return next_ - number <= kWidth && !bit(number);
  }

  /// REQUIRES: is_new(number), and that the message was genuine. Cost: one step a number skipped,
  /// 64 at a time.
  void mark(std::uint64_t number) {
    if (number >= next_) {
      if (number - next_ >= kWidth) {
        words_ = {};
      } else {
        for (std::uint64_t skipped = next_; skipped <= number; ++skipped) {
          if (skipped % 64 == 0 && number - skipped >= 64) {
            word(skipped) = 0;
            skipped += 63;
          } else {
            word(skipped) &= ~mask(skipped);
          }
        }
      }
      next_ = number + 1;
    }
    word(number) |= mask(number);
  }

 private:
  [[nodiscard]] static std::uint64_t mask(std::uint64_t number) {
    return std::uint64_t{1} << (number % 64);
  }
  [[nodiscard]] std::uint64_t& word(std::uint64_t number) { return words_[number % kWidth / 64]; }
  [[nodiscard]] bool bit(std::uint64_t number) const {
    return (words_[number % kWidth / 64] & mask(number)) != 0;
  }

  std::uint64_t next_ = 0;  ///< one more than the largest number seen
  std::array<std::uint64_t, kWidth / 64> words_{};
};

}  // namespace hogwild::daemon
