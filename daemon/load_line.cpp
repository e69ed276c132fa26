#include "daemon/load_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hogwild::daemon {
namespace {

double gigabytes(std::uint64_t bytes) { return static_cast<double>(bytes) * 1e-9; }

}  // namespace

std::string percent_loaded(const LoadCounts& counts) {
  if (counts.total_bytes == 0) return {};
  // What grows while it is read has more than it said.
  const double share =
      std::min(1.0, static_cast<double>(counts.bytes) / static_cast<double>(counts.total_bytes));
  return fmt::format("{:.0f}", std::floor(100 * share));
}

std::string load_line(const LoadCounts& counts) {
  std::string line = "loading";
  if (counts.bytes == 0 && counts.rows == 0)
    return fmt::format("{}: {:.0f} s", line, counts.seconds);
  line += fmt::format(": {:.2f}", gigabytes(counts.bytes));
  if (counts.total_bytes > 0) {
    line +=
        fmt::format(" of {:.2f} GB ({} %)", gigabytes(counts.total_bytes), percent_loaded(counts));
  } else {
    line += " GB";
  }
  line += fmt::format(", {:.1f} million rows", static_cast<double>(counts.rows) * 1e-6);
  if (counts.seconds > 0)
    line += fmt::format(", {:.2f} GB/s", gigabytes(counts.bytes) / counts.seconds);
  return line;
}

}  // namespace hogwild::daemon
