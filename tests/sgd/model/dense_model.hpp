#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sgd/model/model_file.hpp"

namespace hogwild::sgd {

/// A model whose `weight` is that of all ids from 1 on, zeros included, put in its proper form.
inline LinearModel dense(LinearModel model) {
  const std::vector<double> weight = std::exchange(model.weight, {});
  const std::size_t columns = model.column_count();
  model.feature_count = static_cast<std::uint32_t>(weight.size() / columns);
  for (std::uint32_t i = 0; i < model.feature_count; ++i) {
    model.add_feature(i, std::span(weight).subspan(i * columns, columns));
  }
  return model;
}

}  // namespace hogwild::sgd
