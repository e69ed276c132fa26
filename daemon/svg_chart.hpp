#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hogwild::daemon {

/// A curve: points (x, y) by rising x. Points that are not finite, or past 1e30, are left
/// out.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

struct Chart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;
  bool may_be_logarithmic = false;  ///< y is, where it spans much and is above 0
  bool begins_at_zero = false;      ///< y does
};

/// `text` with what HTML gives a meaning written as entities.
[[nodiscard]] std::string html_text(std::string_view text);

/// The numbers for an axis from `least` to `most`, about `count` of them: multiples of 1, 2 or 5
/// times a power of ten. REQUIRES: least < most, both finite.
[[nodiscard]] std::vector<double> axis_ticks(double least, double most, int count);

/// The chart as an `<svg>` element for use within HTML: curves of the classes s0, s1, … whose
/// colours the page's style gives, a legend, a title for screen readers, the values of points as
/// tool tips. Long curves are thinned out, their ends kept. Empty where no series has two points.
[[nodiscard]] std::string svg_chart(const Chart& chart);

}  // namespace hogwild::daemon
