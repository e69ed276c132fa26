#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hogwild::sgd {

/// Sequence numbers first..last, both included.
struct SeqRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  friend bool operator==(const SeqRange&, const SeqRange&) = default;
};

/// Which of one origin's datagrams were applied: all up to contiguous(), and some after it.
///
/// Invariant: contiguous() + 1 is not applied; nothing past contiguous() + kWindow is.
class OriginWindow {
 public:
  /// How far past the first gap a datagram is still taken: 5.6 MB of datagrams.
  static constexpr std::uint64_t kWindow = 4096;

  enum class Verdict : std::uint8_t { kNew, kDuplicate, kBeyondWindow };

  /// Nothing applied.
  OriginWindow() = default;
  /// Everything up to `contiguous` applied, and `beyond` it. Ranges outside the window are cut off.
  OriginWindow(std::uint64_t contiguous, const std::vector<SeqRange>& beyond);

  /// What inserting `seq` would say. REQUIRES: seq > 0.
  [[nodiscard]] Verdict judge(std::uint64_t seq) const;
  /// Marks `seq` as applied. REQUIRES: judge(seq) == kNew. Cost: O(seqs that become contiguous).
  void insert(std::uint64_t seq);

  /// Whether nothing is in it.
  [[nodiscard]] bool is_empty() const { return contiguous_ == 0 && applied_beyond_ == 0; }
  [[nodiscard]] std::uint64_t contiguous() const { return contiguous_; }
  /// The largest applied number.
  [[nodiscard]] std::uint64_t highest() const { return highest_; }
  /// Applied ranges past contiguous(), ascending, at most `most`.
  [[nodiscard]] std::vector<SeqRange> beyond(std::size_t most) const;
  /// Ranges after `after` up to `last` that are not applied, ascending, at most `most`, within the
  /// window.
  [[nodiscard]] std::vector<SeqRange> missing(std::uint64_t last, std::size_t most,
                                              std::uint64_t after = 0) const;
  /// How many up to `last` are not applied, past the window included.
  [[nodiscard]] std::uint64_t missing_count(std::uint64_t last) const;

 private:
  [[nodiscard]] bool bit(std::uint64_t seq) const {
    return (words_[(seq % kWindow) / 64] >> (seq % 64) & 1U) != 0;
  }
  void set_bit(std::uint64_t seq, bool value);
  /// Ranges of (after, last] past contiguous whose bit is `wanted`.
  [[nodiscard]] std::vector<SeqRange> ranges(std::uint64_t after, std::uint64_t last, bool wanted,
                                             std::size_t most) const;

  std::uint64_t contiguous_ = 0;
  std::uint64_t highest_ = 0;
  std::uint64_t applied_beyond_ = 0;                 ///< bits that are set
  std::array<std::uint64_t, kWindow / 64> words_{};  ///< a ring of bits, by seq mod kWindow
};

}  // namespace hogwild::sgd
