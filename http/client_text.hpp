#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/status.hpp"

/// What the commands that ask a node show of its JSON answers.
///
/// An answer may come from an older or newer node: a member that is missing, or of another type, is
/// shown as unknown. Control characters are shown as "?".
namespace hogwild::http {

/// "950", "12.3 k", "1.20 M"; with a unit "950 B", "1.20 MB".
[[nodiscard]] std::string short_number(double number, std::string_view unit = "");
/// "0.3 s", "42 s", "3 min 12 s", "1 h 03 min", "2 d 04 h".
[[nodiscard]] std::string short_duration(double seconds);

/// `/v1/status` as a summary, lines of at most 80 columns where no single fact is wider.
[[nodiscard]] std::string status_summary(const boost::json::value& status);

/// `/v1/status` as one line of `key=value`, to be appended to others: the time first.
[[nodiscard]] std::string status_line(const boost::json::value& status, WallTime now);

/// `/v1/members` as a table of at most `width` columns: as many of its columns as fit, the most
/// important ones first.
[[nodiscard]] std::string members_table(const boost::json::value& members, std::size_t width,
                                        WallTime now);

/// What became of each member since the last answer, a line each: all of them after the first.
class MemberChanges {
 public:
  [[nodiscard]] std::vector<std::string> lines(const boost::json::value& members, WallTime now);

 private:
  std::map<std::string, std::string> seen_;  // State by id
};

/// The newest lines of `/v1/logs`.
[[nodiscard]] std::string log_lines(const boost::json::value& logs);

/// `text` as a terminal of that size can show it: lines cut at `width`, `height` of them at most.
[[nodiscard]] std::string clipped(std::string_view text, std::size_t width, std::size_t height);

}  // namespace hogwild::http
