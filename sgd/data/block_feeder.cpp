#include "sgd/data/block_feeder.hpp"

#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "sgd/data/parallel.hpp"

namespace hogwild::sgd {
namespace {

/// Parses the blocks of a text on several threads; used once.
class BlockFeeder {
 public:
  BlockFeeder(const LineStream& stream, const ParseText& parse, LoadProgress* progress,
              RowSink& sink, std::uint64_t first_row)
      : stream_(stream), parse_(parse), progress_(progress), sink_(sink), rows_(first_row) {}

  std::expected<std::uint64_t, DataError> run(unsigned threads) {
    const std::uint64_t first_row = rows_;
    for_each_part(threads, threads, [&](std::size_t) {
      try {
        while (feed_one()) {
        }
      } catch (...) {
        stop();
        throw;
      }
    });
    for (auto& slot : slots_) {
      // What is left begins with the first fault: all before it has been sequenced.
      if (!slot || *slot) continue;
      DataError fault = std::move(slot->error());
      if (fault.line != 0) fault.line += lines_;
      return std::unexpected(cause_of(std::move(fault)));
    }
    if (stream_fault_) return std::unexpected(std::move(*stream_fault_));
    return rows_ - first_row;
  }

 private:
  using Part = std::expected<Dataset, DataError>;
  using Slot = std::optional<Part>;
  struct Numbered {
    Dataset part;
    std::uint64_t first_row;
  };

  /// Why a line is bad: looks for damage behind it, as far as that takes about a second.
  DataError cause_of(DataError bad_line) {
    constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 28U;
    for (std::uint64_t bytes = 0; stream_.is_packed && bytes < kMostBytes;) {
      if (stream_fault_) return std::move(*stream_fault_);
      const auto block = stream_.next();
      if (!block) return block.error();
      if (!*block) break;
      bytes += (*block)->view().size();
    }
    return bad_line;
  }

  /// Fetches a block and parses it; hands on what is in sequence then. False at the end.
  bool feed_one() {
    Slot* slot = nullptr;
    std::optional<Part> part;
    {
      Text block;
      {
        const std::lock_guard lock(mutex_);
        if (is_over_) return false;
        auto fetched = stream_.next();
        is_over_ = !fetched || !*fetched;
        if (!fetched) stream_fault_ = std::move(fetched.error());
        if (is_over_) return false;
        block = std::move(**fetched);
        slot = &slots_.emplace_back();  // a deque: it stays where it is while it is in there
      }
      part = parse_(block);
      if (progress_ != nullptr && *part) {
        progress_->text_bytes += block.view().size();
        progress_->rows += (*part)->row_count();
      }
    }
    const bool is_good = part->has_value();
    for (Numbered& numbered : sequence(*slot, std::move(*part))) {
      sink_.take(std::move(numbered.part), numbered.first_row);
    }
    return is_good;
  }

  /// Puts `part` into its slot; all parts that are in sequence now.
  std::vector<Numbered> sequence(Slot& slot, Part part) {
    std::vector<Numbered> numbered;
    const std::lock_guard lock(mutex_);
    // Blocks before a fault have all been fetched; those behind it cannot hold the first fault.
    if (!part) is_over_ = true;
    slot = std::move(part);
    for (; !slots_.empty() && slots_.front() && *slots_.front(); slots_.pop_front()) {
      Dataset& next = **slots_.front();
      const std::uint64_t rows = next.row_count();
      lines_ += rows + next.lines.skipped();
      numbered.push_back(
          {.part = std::move(next), .first_row = std::exchange(rows_, rows_ + rows)});
    }
    return numbered;
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }

  // Fixed after construction.
  const LineStream& stream_;
  const ParseText& parse_;
  LoadProgress* progress_;
  RowSink& sink_;

  std::mutex mutex_;         ///< of all below
  std::deque<Slot> slots_;   ///< of blocks that were fetched and are not in sequence yet
  std::uint64_t rows_;       ///< in sequence, from the beginning of the source
  std::uint64_t lines_ = 0;  ///< in sequence, of this text
  std::optional<DataError> stream_fault_;  ///< of the text behind the last block
  bool is_over_ = false;
};

}  // namespace

LineStream texts_of(TextBlocks& blocks) {
  const auto next = [&blocks]() -> std::expected<std::optional<Text>, DataError> {
    auto block = blocks.next();
    if (!block) return std::unexpected(std::move(block.error()));
    return *block ? std::optional(std::move((*block)->text)) : std::nullopt;
  };
  return {.next = next, .is_packed = blocks.packing() != Packing::kNone};
}

std::expected<std::uint64_t, DataError> feed_blocks(const LineStream& stream,
                                                    const ParseText& parse, unsigned threads,
                                                    LoadProgress* progress, RowSink& sink,
                                                    std::uint64_t first_row) {
  return BlockFeeder(stream, parse, progress, sink, first_row).run(threads);
}

}  // namespace hogwild::sgd
