#include "sgd/data/svmlight_writer.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace hogwild::sgd {
namespace {

void append_integer(std::uint32_t number, std::string& out) {
  char digits[16];
  out.append(std::begin(digits), std::to_chars(std::begin(digits), std::end(digits), number).ptr);
}

void append_float(float number, std::string& out) {
  char digits[64];
  const auto end =
      std::to_chars(std::begin(digits), std::end(digits), number, std::chars_format::general).ptr;
  out.append(std::begin(digits), end);
}

}  // namespace

SvmlightWriter::SvmlightWriter(const Dataset& dataset)
    : dataset_(dataset),
      plus_sign_(std::find(dataset.label.begin(), dataset.label.end(), -1.0F) !=
                 dataset.label.end()) {}

void SvmlightWriter::append(std::size_t first, std::size_t last, std::string& out) const {
  assert(first <= last && last <= dataset_.row_count());
  auto further =
      std::lower_bound(dataset_.further_label.begin(), dataset_.further_label.end(), first,
                       [](const FurtherLabel& label, std::size_t row) { return label.row < row; });
  for (std::size_t row = first; row < last; ++row) {
    const float label = dataset_.label[row];
    if (!std::isnan(label)) {
      if (plus_sign_ && label == 1.0F) out += '+';
      append_float(label, out);
    }
    for (; further != dataset_.further_label.end() && further->row == row; ++further) {
      out += ',';
      append_float(further->label, out);
    }
    const auto features = dataset_.rows.features(row);
    const auto values = dataset_.rows.values(row);
    for (std::size_t i = 0; i < features.size(); ++i) {
      out += ' ';
      append_integer(features[i] + 1, out);
      out += ':';
      append_float(values[i], out);
    }
    out += '\n';
  }
}

}  // namespace hogwild::sgd
