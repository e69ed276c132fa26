#pragma once

#include <cstdint>
#include <string>

namespace hogwild::daemon {

/// How far the loading of data has come.
struct LoadCounts {
  std::uint64_t bytes = 0;        ///< read from files
  std::uint64_t total_bytes = 0;  ///< of the files; 0 where nobody knows
  std::uint64_t rows = 0;
  double seconds = 0;
};

/// The share of the files that has been read, 0 to 100; nothing where their size is not known.
[[nodiscard]] std::string percent_loaded(const LoadCounts& counts);

/// "loading: 1.24 of 3.50 GB (35 %), 4.1 million rows, 1.93 GB/s", without what is not known.
[[nodiscard]] std::string load_line(const LoadCounts& counts);

}  // namespace hogwild::daemon
