#pragma once

#include <cstddef>
#include <string>

#include "sgd/data/dataset.hpp"

namespace hogwild::sgd {

/// Writes a data set as svmlight text that parses to the same data set, bit for bit.
///
/// `label id:value id:value …`, ids ascending, values in the shortest form that is exact
/// (std::to_chars, general; of `synth:` sets these are their six digits). A label 1 is written +1
/// where the set has a label -1. Threads: const, any; the data set must outlive it.
class SvmlightWriter {
 public:
  explicit SvmlightWriter(const Dataset& dataset);

  /// Appends the lines of rows [first, last) to `out`. REQUIRES: first <= last <= row_count().
  void append(std::size_t first, std::size_t last, std::string& out) const;

 private:
  const Dataset& dataset_;
  bool plus_sign_ = false;
};

}  // namespace hogwild::sgd
