#include "http/histogram.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace hogwild::http {

Histogram::Histogram(std::vector<double> bounds)
    : Histogram(bounds, std::vector<std::uint64_t>(bounds.size() + 1), 0) {}

Histogram::Histogram(std::vector<double> bounds, std::vector<std::uint64_t> counts, double sum)
    : bounds_(std::move(bounds)), counts_(std::move(counts)), sum_(sum) {
  assert(counts_.size() == bounds_.size() + 1);
  assert(std::ranges::all_of(bounds_, [](double bound) { return std::isfinite(bound); }));
  assert(std::ranges::adjacent_find(bounds_, std::greater_equal<>{}) == bounds_.end());
}

void Histogram::observe(double value) {
  if (std::isnan(value)) return;
  const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  ++counts_[static_cast<std::size_t>(bucket)];
  sum_ += value;
}

}  // namespace hogwild::http
