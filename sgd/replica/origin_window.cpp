#include "sgd/replica/origin_window.hpp"

#include <algorithm>
#include <cassert>

namespace hogwild::sgd {

OriginWindow::OriginWindow(std::uint64_t contiguous, const std::vector<SeqRange>& beyond)
    : contiguous_(contiguous), highest_(contiguous) {
  for (const SeqRange& range : beyond) {
    const std::uint64_t last = std::min(range.last, contiguous + kWindow);
    for (std::uint64_t seq = std::max(range.first, contiguous + 1); seq <= last; ++seq) {
      if (judge(seq) == Verdict::kNew) insert(seq);
    }
  }
}

OriginWindow::Verdict OriginWindow::judge(std::uint64_t seq) const {
  assert(seq > 0);
  if (seq <= contiguous_) return Verdict::kDuplicate;
  if (seq - contiguous_ > kWindow) return Verdict::kBeyondWindow;
  return bit(seq) ? Verdict::kDuplicate : Verdict::kNew;
}

void OriginWindow::insert(std::uint64_t seq) {
  assert(judge(seq) == Verdict::kNew);
  set_bit(seq, true);
  ++applied_beyond_;
  highest_ = std::max(highest_, seq);
  while (applied_beyond_ > 0 && bit(contiguous_ + 1)) {
    ++contiguous_;
    set_bit(contiguous_, false);
    --applied_beyond_;
  }
}

std::vector<SeqRange> OriginWindow::beyond(std::size_t most) const {
  return ranges(0, highest_, true, most);
}

std::vector<SeqRange> OriginWindow::missing(std::uint64_t last, std::size_t most,
                                            std::uint64_t after) const {
  return ranges(after, std::min(last, contiguous_ + kWindow), false, most);
}

std::uint64_t OriginWindow::missing_count(std::uint64_t last) const {
  return last <= contiguous_ ? 0 : last - contiguous_ - applied_beyond_;
}

void OriginWindow::set_bit(std::uint64_t seq, bool value) {
  std::uint64_t& word = words_[(seq % kWindow) / 64];
  const std::uint64_t mask = std::uint64_t{1} << (seq % 64);
  word = value ? word | mask : word & ~mask;
}

std::vector<SeqRange> OriginWindow::ranges(std::uint64_t after, std::uint64_t last, bool wanted,
                                           std::size_t most) const {
  std::vector<SeqRange> found;
  for (std::uint64_t seq = std::max(after, contiguous_) + 1; seq <= last; ++seq) {
    if (bit(seq) != wanted) continue;
    if (!found.empty() && found.back().last + 1 == seq) {
      found.back().last = seq;
    } else if (found.size() < most) {
      found.push_back({seq, seq});
    } else {
      break;
    }
  }
  return found;
}

}  // namespace hogwild::sgd
