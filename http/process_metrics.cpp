#include "http/process_metrics.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace hogwild::http {
namespace {

/// The fields of /proc/self/stat from the third (state) on; the second may hold spaces and ends at
/// the last ')'.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(line.substr(name_end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

std::optional<std::uint64_t> to_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

/// The time of day at which the system started, Unix time.
std::optional<std::uint64_t> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return to_number(line.substr(6));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> count_open_fds() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  if (error || count == 0) return std::nullopt;
  return count - 1;  // Without the one that counted.
}

}  // namespace

ProcessMetrics read_process_metrics() {
  // proc(5) numbers the fields from 1; stat_fields() begins with the third.
  constexpr std::size_t kFirst = 3;
  ProcessMetrics metrics;
  const auto fields = stat_fields();
  const auto field = [&](std::size_t number) -> std::optional<std::uint64_t> {
    return number - kFirst < fields.size() ? to_number(fields[number - kFirst]) : std::nullopt;
  };
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  if (const auto user = field(14), system = field(15); user && system) {
    metrics.cpu_seconds_total = static_cast<double>(*user + *system) / ticks_per_second;
  }
  if (const auto start = field(22), boot = boot_time(); start && boot) {
    metrics.start_time_seconds =
        static_cast<double>(*boot) + static_cast<double>(*start) / ticks_per_second;
  }
  metrics.threads = field(20);
  metrics.virtual_memory_bytes = field(23);
  if (const auto pages = field(24)) {
    metrics.resident_memory_bytes = *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  metrics.open_fds = count_open_fds();
  if (const long limit = ::sysconf(_SC_OPEN_MAX); limit > 0) {
    metrics.max_fds = static_cast<std::uint64_t>(limit);
  }
  return metrics;
}

}  // namespace hogwild::http
