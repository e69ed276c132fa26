#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "sgd/replica/wire.hpp"

namespace hogwild::sgd {

/// How often the cluster trained on each block of the newest epochs: whether sampling was without
/// replacement.
///
/// Who trained on a block says so in the delta that carries what it learned, as an entry past the
/// cells of the state (sgd/replica/delta.hpp). So a tally is a function of the deltas that were
/// applied, as the sums are, and travels with them in snapshots. An epoch is judged once nobody
/// walks in it any more; what comes later still corrects it while it is kept.
/// Threads: network thread only. Memory: a byte a block of each epoch that is kept.
class BlockTally {
 public:
  /// Epochs whose blocks are counted from `first_epoch` on. 0 blocks: nothing is counted.
  explicit BlockTally(std::uint64_t blocks_an_epoch = 0, std::uint64_t first_epoch = 0);

  /// Somebody trained on a block: epoch · blocks + its position in the epoch's order.
  void add(std::uint64_t index, std::uint64_t times);
  /// All epochs before this one are over.
  void close_before(std::uint64_t epoch);

  [[nodiscard]] std::uint64_t blocks_an_epoch() const { return blocks_; }
  /// Epochs that are over, and of their blocks those that nobody trained on, and those that were
  /// trained on more than once.
  [[nodiscard]] std::uint64_t closed_epochs() const { return closed_ - base_; }
  [[nodiscard]] std::uint64_t missed() const;
  [[nodiscard]] std::uint64_t repeated() const;

  void write(ByteWriter& writer) const;
  /// Fails the reader where the bytes are no tally.
  [[nodiscard]] static BlockTally read(ByteReader& reader);

 private:
  struct Epoch {
    std::vector<std::uint8_t> times;  ///< by position, 255 at most
    std::uint64_t done = 0;
    std::uint64_t repeated = 0;
  };
  [[nodiscard]] std::size_t most_kept() const;
  [[nodiscard]] Epoch& kept(std::uint64_t epoch);
  void retire_first();

  std::uint64_t blocks_ = 0;
  std::uint64_t base_ = 0;    ///< the first epoch that was counted
  std::uint64_t closed_ = 0;  ///< epochs before it are over
  std::uint64_t first_ = 0;   ///< of kept_
  std::deque<Epoch> kept_;
  std::uint64_t retired_missed_ = 0;
  std::uint64_t retired_repeated_ = 0;
};

}  // namespace hogwild::sgd
