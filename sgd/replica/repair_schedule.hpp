#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "sgd/replica/origin_window.hpp"

namespace hogwild::sgd {

/// When which gaps of one origin are asked for.
///
/// A gap that is old enough to be a loss is asked for, together with those found since the last
/// time; what does not come is asked for again after about the time that a repair takes, then with
/// a back-off. New gaps do not wait for old ones, of which there are always some where much is
/// lost, nor is what is on its way asked for again because of them.
/// A core without a clock: the caller tells the time.
class RepairSchedule {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  struct Due {
    std::uint32_t tries = 0;  ///< how often it was asked for in vain since some of it came
    std::vector<SeqRange> missing;
  };

  /// Something came, or numbers up to `known_last` were heard of.
  void update(const OriginWindow& window, std::uint64_t known_last, Instant now);
  /// What is to be asked for now. A repair takes `repair_time`.
  [[nodiscard]] std::vector<Due> due(const OriginWindow& window, Instant now,
                                     std::chrono::nanoseconds repair_time);
  /// When due() has something next; Instant::max() where nothing is missing.
  [[nodiscard]] Instant next() const { return next_; }
  /// How often the oldest gap was asked for in vain.
  [[nodiscard]] std::uint32_t tries() const { return asked_.empty() ? 0 : asked_.front().tries; }
  /// Nothing more is asked for.
  void stop();

 private:
  /// Gaps that were asked for together: all past the previous one's through.
  struct Asked {
    std::uint64_t through = 0;
    std::uint64_t looked_through = 0;  ///< where the next time begins; 0: at the first gap
    std::uint64_t left = 0;            ///< numbers asked for the last time
    std::uint32_t tries = 0;
    std::chrono::nanoseconds interval{};
    Instant again_at{};
  };

  [[nodiscard]] Due ask_first(const OriginWindow& window, Instant now,
                              std::chrono::nanoseconds interval);
  void watch_new(Instant now);
  void set_next();

  std::vector<Asked> asked_;  // ascending by through
  std::uint64_t known_last_ = 0;
  std::uint64_t asked_through_ = 0;
  std::uint64_t old_through_ = 0;  ///< gaps up to this one will be old at first_at_
  Instant first_at_ = Instant::max();
  Instant next_ = Instant::max();
};

}  // namespace hogwild::sgd
