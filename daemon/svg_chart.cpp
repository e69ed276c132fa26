#include "daemon/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string_view>

namespace hogwild::daemon {
namespace {

// Of the drawing's own units; the page scales it.
constexpr double kWidth = 520;
constexpr double kHeight = 260;
constexpr double kLeft = 58;
constexpr double kRight = 12;
constexpr double kTop = 26;
constexpr double kBottom = 40;

constexpr std::size_t kMostPoints = 600;  // of a curve
constexpr std::size_t kMostMarks = 60;    // a curve of more shows no single points
constexpr double kLargestShown = 1e30;
constexpr double kLogarithmicSpan = 3;  // largest over smallest value from which it is clearer

std::string tick_text(double value) {
  const double size = std::abs(value);
  if (size >= 1e9) return fmt::format("{:.4g}G", value / 1e9);
  if (size >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  return fmt::format("{:.4g}", size < 1e-12 ? 0.0 : value);
}

/// Values of data to places of the drawing, along one direction.
class Axis {
 public:
  Axis(double least, double most, double from, double to, bool is_logarithmic)
      : is_logarithmic_(is_logarithmic),
        least_(scaled(least)),
        most_(scaled(most)),
        from_(from),
        to_(to) {}

  [[nodiscard]] double place(double value) const {
    return from_ + (scaled(value) - least_) / (most_ - least_) * (to_ - from_);
  }

  [[nodiscard]] std::vector<double> ticks(int count) const {
    if (!is_logarithmic_) return axis_ticks(least_, most_, count);
    std::vector<double> ticks;
    for (double decade = std::floor(least_); decade <= most_; ++decade) {
      for (const double step : {1.0, 2.0, 5.0}) {
        const double tick = step * std::pow(10.0, decade);
        if (scaled(tick) >= least_ && scaled(tick) <= most_) ticks.push_back(tick);
      }
    }
    return ticks;
  }

 private:
  [[nodiscard]] double scaled(double value) const {
    return is_logarithmic_ ? std::log10(value) : value;
  }

  bool is_logarithmic_;
  double least_;
  double most_;
  double from_;
  double to_;
};

struct Bounds {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();

  void add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

Series finite_part(const Series& series) {
  Series kept{series.name, {}};
  std::ranges::copy_if(series.points, std::back_inserter(kept.points), [](const auto& point) {
    return std::abs(point.first) < kLargestShown && std::abs(point.second) < kLargestShown;
  });
  return kept;
}

/// Every n-th point, the last one always.
Series thinned(Series series) {
  const std::size_t step = (series.points.size() + kMostPoints - 1) / kMostPoints;
  if (step < 2) return series;
  Series kept{std::move(series.name), {}};
  for (std::size_t i = 0; i < series.points.size(); i += step) {
    kept.points.push_back(series.points[i]);
  }
  if (kept.points.back() != series.points.back()) kept.points.push_back(series.points.back());
  return kept;
}

std::string curve(const Series& series, std::size_t index, const Axis& x, const Axis& y) {
  std::string path;
  std::string marks;
  for (const auto& [at, value] : series.points) {
    const std::string place = fmt::format("{:.1f} {:.1f}", x.place(at), y.place(value));
    path += (path.empty() ? "M" : "L") + place;
    if (series.points.size() > kMostMarks) continue;
    marks += fmt::format(
        "<circle class=\"s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"><title>{}: {:.6g} at "
        "{:.6g}</title></circle>",
        index, x.place(at), y.place(value), html_text(series.name), value, at);
  }
  return fmt::format("<path class=\"s{}\" d=\"{}\"/>{}\n", index, path, marks);
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::vector<double> axis_ticks(double least, double most, int count) {
  const double rough = (most - least) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double share = rough / power;
  const double step = power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
  std::vector<double> ticks;
  const double first = std::ceil(least / step - 1e-9);
  // Where values differ by less than they are exact, a step leads nowhere.
  for (int i = 0; i <= 2 * count && (first + i) * step <= most + 1e-9 * step; ++i) {
    ticks.push_back((first + i) * step);
  }
  return ticks;
}

std::string svg_chart(const Chart& chart) {
  std::vector<Series> shown;
  Bounds across;
  Bounds up;
  for (const auto& series : chart.series) {
    Series curve = thinned(finite_part(series));
    if (curve.points.size() < 2) continue;
    for (const auto& [x, y] : curve.points) {
      across.add(x);
      up.add(y);
    }
    shown.push_back(std::move(curve));
  }
  if (shown.empty() || across.least >= across.most) return {};
  if (chart.begins_at_zero) up.add(0);
  const bool is_logarithmic =
      chart.may_be_logarithmic && up.least > 0 && up.most / up.least >= kLogarithmicSpan;
  const double margin =
      up.most > up.least ? (up.most - up.least) * 0.05 : std::max(std::abs(up.most) * 0.05, 1e-9);
  const Axis x(across.least, across.most, kLeft, kWidth - kRight, false);
  const Axis y(is_logarithmic ? up.least / 1.05 : up.least - margin,
               is_logarithmic ? up.most * 1.05 : up.most + margin, kHeight - kBottom, kTop,
               is_logarithmic);

  std::string svg =
      fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\"><title>{}</title>\n",
                  kWidth, kHeight, html_text(chart.title), html_text(chart.title));
  for (const double tick : y.ticks(5)) {
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
        "<text class=\"y\" x=\"{}\" y=\"{:.1f}\">{}</text>\n",
        kLeft, kWidth - kRight, y.place(tick), y.place(tick), kLeft - 6, y.place(tick) + 4,
        tick_text(tick));
  }
  for (const double tick : x.ticks(6)) {
    svg += fmt::format(
        "<line class=\"tick\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text class=\"x\" x=\"{0:.1f}\" y=\"{3}\">{4}</text>\n",
        x.place(tick), kHeight - kBottom, kHeight - kBottom + 4, kHeight - kBottom + 17,
        tick_text(tick));
  }
  svg += fmt::format("<text class=\"x\" x=\"{}\" y=\"{}\">{}</text>\n",
                     (kLeft + kWidth - kRight) / 2, kHeight - 6, html_text(chart.x_label));
  svg += fmt::format("<text class=\"title\" x=\"{}\" y=\"16\">{}</text>\n", kLeft,
                     html_text(chart.y_label + (is_logarithmic ? " (logarithmic)" : "")));
  double legend = kWidth - kRight;
  for (std::size_t i = shown.size(); i-- > 0;) {
    svg += fmt::format("<text class=\"legend s{}\" x=\"{:.0f}\" y=\"16\">{}</text>\n", i, legend,
                       html_text(shown[i].name));
    legend -= 7.0 * static_cast<double>(shown[i].name.size()) + 14;
  }
  for (std::size_t i = 0; i < shown.size(); ++i) svg += curve(shown[i], i, x, y);
  return svg + "</svg>\n";
}

}  // namespace hogwild::daemon
