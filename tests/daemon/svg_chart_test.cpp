#include "daemon/svg_chart.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace hogwild::daemon {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::size_t count_of(std::string_view text, std::string_view piece) {
  std::size_t count = 0;
  for (auto at = text.find(piece); at != std::string_view::npos; at = text.find(piece, at + 1)) {
    ++count;
  }
  return count;
}

BOOST_AUTO_TEST_SUITE(svg_charts)

BOOST_AUTO_TEST_CASE(ticks_are_round_and_within_the_axis) {
  BOOST_TEST(axis_ticks(0, 1, 5) == (std::vector<double>{0, 0.2, 0.4, 0.6, 0.8, 1}),
             boost::test_tools::tolerance(1e-9) << boost::test_tools::per_element());
  BOOST_TEST(axis_ticks(93, 95.2, 5) == (std::vector<double>{93, 93.5, 94, 94.5, 95}),
             boost::test_tools::tolerance(1e-9) << boost::test_tools::per_element());
  for (const auto& [least, most] :
       {std::pair{0.209, 0.2177}, std::pair{-3.0, 1e9}, std::pair{1e-9, 2e-9}}) {
    const auto ticks = axis_ticks(least, most, 5);
    BOOST_TEST(ticks.size() >= 2U);
    BOOST_TEST(ticks.size() <= 11U);
    for (const double tick : ticks) {
      BOOST_TEST(tick >= least - 1e-6 * (most - least));
      BOOST_TEST(tick <= most + 1e-6 * (most - least));
    }
  }
}

BOOST_AUTO_TEST_CASE(curves_begin_at_the_left_and_end_at_the_right_of_the_frame) {
  const auto svg =
      svg_chart({"Loss", "seconds", "loss", {{"test", {{0, 0.5}, {2, 0.3}, {4, 0.2}}}}});
  BOOST_TEST(svg.find("<path class=\"s0\" d=\"M58.0 ") != std::string::npos, svg);
  BOOST_TEST(svg.find("L508.0 ") != std::string::npos, svg);
  BOOST_TEST(svg.find("<title>test: 0.3 at 2</title>") != std::string::npos, svg);
  BOOST_TEST(count_of(svg, "<circle") == 3U);
}

BOOST_AUTO_TEST_CASE(what_spans_much_is_logarithmic_where_it_may_be) {
  Chart chart{"Loss", "seconds", "loss", {{"test", {{0, 1.0}, {1, 0.1}}}}, true};
  BOOST_TEST(svg_chart(chart).find("(logarithmic)") != std::string::npos);
  chart.series[0].points[1].second = 0.9;
  BOOST_TEST(svg_chart(chart).find("(logarithmic)") == std::string::npos);
  chart.series[0].points[1].second = 0;
  BOOST_TEST(svg_chart(chart).find("(logarithmic)") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(unknown_values_are_left_out_and_nothing_to_draw_is_empty) {
  const auto svg = svg_chart(
      {"L", "x", "y", {{"train", {{0, kNan}, {1, kNan}}}, {"test", {{0, 1}, {1, kNan}, {2, 3}}}}});
  BOOST_TEST(svg.find("nan") == std::string::npos);
  BOOST_TEST(count_of(svg, "<path") == 1U);
  BOOST_TEST(svg_chart({"L", "x", "y", {}}) == "");
  BOOST_TEST(svg_chart({"L", "x", "y", {{"test", {{1, 1}}}}}) == "");
  BOOST_TEST(svg_chart({"L", "x", "y", {{"test", {{1, 1}, {1, 2}}}}}) == "");
  BOOST_TEST(svg_chart({"L", "x", "y", {{"test", {{1, 0}, {2, 0}}}}}) != "");
}

BOOST_AUTO_TEST_CASE(long_curves_are_thinned_out_and_keep_their_ends) {
  Series series{"test", {}};
  for (int i = 0; i < 100'000; ++i) series.points.emplace_back(i, i % 7);
  const auto svg = svg_chart({"L", "x", "y", {series}});
  BOOST_TEST(svg.size() < 30'000U);
  BOOST_TEST(svg.find("M58.0 ") != std::string::npos);
  BOOST_TEST(svg.find("L508.0 ") != std::string::npos);
  BOOST_TEST(count_of(svg, "<circle") == 0U);
}

// Whoever leads a run writes its history.
BOOST_AUTO_TEST_CASE(values_that_no_axis_can_have_are_drawn_or_left_out_in_no_time) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {0.5, 1.79e308}, {1e-308, 1e29}, {1e25, std::nextafter(1e25, 1e26)}, {-1e308, 1e308}}) {
    const auto svg = svg_chart({"L", "x", "y", {{"test", {{0, low}, {1, high}, {2, 0.7}}}}, true});
    BOOST_TEST(svg.size() < 200'000U);
    const auto across = svg_chart({"L", "x", "y", {{"test", {{low, 1}, {high, 2}}}}, true});
    BOOST_TEST(across.size() < 200'000U);
  }
}

BOOST_AUTO_TEST_CASE(text_cannot_leave_its_place) {
  BOOST_TEST(html_text("<a href=\"x\">'&") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
  const auto svg = svg_chart({"</svg><script>", "<x>", "<y>", {{"<s>", {{0, 1}, {1, 2}}}}});
  BOOST_TEST(svg.find("<script") == std::string::npos);
  BOOST_TEST(svg.find("<s>") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
