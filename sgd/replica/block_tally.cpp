#include "sgd/replica/block_tally.hpp"

#include <algorithm>
#include <limits>

namespace hogwild::sgd {
namespace {

/// Epochs that are over and may still be corrected.
constexpr std::uint64_t kClosedKept = 8;
/// Between the fastest walker and the slowest, and with the closed ones, so many epochs are kept.
constexpr std::size_t kMostEpochs = 64;
constexpr std::size_t kMostBytes = std::size_t{16} << 20U;
/// As many as 10^10 rows have.
constexpr std::uint64_t kMostBlocks = std::uint64_t{1} << 26U;

}  // namespace

BlockTally::BlockTally(std::uint64_t blocks_an_epoch, std::uint64_t first_epoch)
    : blocks_(blocks_an_epoch <= kMostBlocks ? blocks_an_epoch : 0),
      base_(first_epoch),
      closed_(first_epoch),
      first_(first_epoch) {}

std::size_t BlockTally::most_kept() const {
  return std::clamp<std::size_t>(kMostBytes / blocks_, 4, kMostEpochs);
}

void BlockTally::retire_first() {
  const Epoch& epoch = kept_.front();
  retired_missed_ += blocks_ - epoch.done;
  retired_repeated_ += epoch.repeated;
  kept_.pop_front();
  ++first_;
  closed_ = std::max(closed_, first_);
}

// REQUIRES: epoch >= first_. Who walks so far ahead of all others that the oldest epochs are not
// kept any more ends them.
BlockTally::Epoch& BlockTally::kept(std::uint64_t epoch) {
  while (epoch - first_ >= kept_.size()) {
    if (kept_.size() == most_kept()) retire_first();
    kept_.push_back({std::vector<std::uint8_t>(blocks_), 0, 0});
  }
  return kept_[epoch - first_];
}

void BlockTally::add(std::uint64_t index, std::uint64_t times) {
  if (blocks_ == 0) return;
  const std::uint64_t epoch = index / blocks_;
  // A place that nobody can have walked to is nobody's block.
  if (epoch < first_ || epoch - first_ > std::uint64_t{2} * kMostEpochs) return;
  Epoch& at = kept(epoch);
  std::uint8_t& before = at.times[index % blocks_];
  const auto after = static_cast<std::uint8_t>(std::min<std::uint64_t>(before + times, 255));
  if (before == 0 && after > 0) ++at.done;
  if (before < 2 && after >= 2) ++at.repeated;
  before = after;
}

void BlockTally::close_before(std::uint64_t epoch) {
  if (blocks_ == 0 || epoch <= closed_ || epoch - first_ > std::uint64_t{2} * kMostEpochs) return;
  static_cast<void>(kept(epoch - 1));
  closed_ = std::max(closed_, epoch);
  while (closed_ - first_ > kClosedKept) retire_first();
}

std::uint64_t BlockTally::missed() const {
  std::uint64_t missed = retired_missed_;
  for (std::uint64_t i = 0; i < closed_ - first_; ++i) missed += blocks_ - kept_[i].done;
  return missed;
}

std::uint64_t BlockTally::repeated() const {
  std::uint64_t repeated = retired_repeated_;
  for (std::uint64_t i = 0; i < closed_ - first_; ++i) repeated += kept_[i].repeated;
  return repeated;
}

void BlockTally::write(ByteWriter& writer) const {
  for (const std::uint64_t value : {blocks_, base_, closed_, first_, retired_missed_,
                                    retired_repeated_, static_cast<std::uint64_t>(kept_.size())}) {
    writer.varint(value);
  }
  for (const Epoch& epoch : kept_) writer.raw(std::span<const std::uint8_t>(epoch.times));
}

BlockTally BlockTally::read(ByteReader& reader) {
  BlockTally tally(reader.counted());
  tally.base_ = reader.counted();
  tally.closed_ = reader.counted();
  tally.first_ = reader.counted();
  tally.retired_missed_ = reader.counted();
  tally.retired_repeated_ = reader.counted();
  const std::uint64_t count = reader.varint();
  const bool is_consistent = tally.base_ <= tally.first_ && tally.first_ <= tally.closed_ &&
                             tally.closed_ - tally.first_ <= count && count <= kMostEpochs &&
                             (count == 0 || tally.blocks_ > 0);
  if (!is_consistent) reader.fail();
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    Epoch epoch{reader.raw<std::uint8_t>(tally.blocks_), 0, 0};
    for (const std::uint8_t times : epoch.times) {
      epoch.done += times > 0 ? 1 : 0;
      epoch.repeated += times > 1 ? 1 : 0;
    }
    tally.kept_.push_back(std::move(epoch));
  }
  return reader.ok() ? tally : BlockTally();
}

}  // namespace hogwild::sgd
