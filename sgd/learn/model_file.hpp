#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sgd/data/labels.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/learn/loss.hpp"

namespace hogwild::sgd {

/// A linear model in the numbering and units of the user's files.
///
/// A row's score is Σ weight[id − 1]·value + intercept; above 0 it belongs to `labels.positive`.
struct LinearModel {
  std::optional<Loss> loss = Loss::kHinge;  ///< nothing where LIBLINEAR has a loss that we have not
  LabelEncoding labels;
  std::vector<double> weight;       ///< one a feature id, from id 1
  std::optional<double> intercept;  ///< where it was trained with one

  friend bool operator==(const LinearModel&, const LinearModel&) = default;
};

/// The model as LIBLINEAR's text, which liblinear-predict reads: solver_type L2R_L1LOSS_SVC_DUAL
/// (hinge) or L2R_LR (logistic), labels positive first, an intercept as the last weight of `bias
/// 1`. Equal models give equal bytes; numbers are the shortest that read back exactly.
/// (liblinear-predict reads labels as integers.) REQUIRES: loss and finite numbers.
[[nodiscard]] std::string to_liblinear(const LinearModel& model);

/// Reads LIBLINEAR's text, ours or theirs: two classes in either order, any solver for
/// classification by one weight vector, any bias. Labels come out with the larger as the positive
/// one. Errors: at the first place that is not as expected.
[[nodiscard]] std::expected<LinearModel, DataError> parse_liblinear(std::string_view text,
                                                                    std::string name);

/// Reads a model file. Errors: those of parse_liblinear(), and what the system says.
[[nodiscard]] std::expected<LinearModel, DataError> load_liblinear(const std::string& path);

/// `id,weight` and a line for each weight that is not zero; an intercept has the id 0.
[[nodiscard]] std::string to_weights_csv(const LinearModel& model);

}  // namespace hogwild::sgd
