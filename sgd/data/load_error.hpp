#pragma once

#include <cstdint>
#include <string>

namespace hogwild::sgd {

/// Why data or a model cannot be used, and where. Nothing was loaded.
struct DataError {
  std::string file{};
  std::uint64_t line = 0;    ///< from 1; 0 where the reason is about the file as a whole
  std::uint64_t column = 0;  ///< byte in the line, from 1
  std::string reason{};      ///< what was found and what was expected

  /// "FILE:LINE:COLUMN: reason", or "FILE: reason" about a file as a whole.
  [[nodiscard]] std::string message() const;

  friend bool operator==(const DataError&, const DataError&) = default;
};

}  // namespace hogwild::sgd
