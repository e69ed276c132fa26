#pragma once

#include <boost/json/value.hpp>
#include <span>
#include <string>
#include <string_view>

namespace hogwild::daemon {

/// The report of a run as one HTML file that needs nothing else: result, curves, settings, members,
/// links. `report` is the content of report.json, the others those of val_stats.csv and
/// train_stats.csv; what they lack is left out. `files` are the names of those beside it.
[[nodiscard]] std::string html_report(const boost::json::value& report, std::string_view val_stats,
                                      std::string_view train_stats,
                                      std::span<const std::string> files);

}  // namespace hogwild::daemon
