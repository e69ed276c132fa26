#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sgd/data/labels.hpp"
#include "sgd/data/load_error.hpp"
#include "sgd/learn/loss.hpp"
#include "sgd/learn/sigmoid.hpp"

namespace hogwild::sgd {

/// A linear model in the numbering and units of the user's files.
///
/// A row has a score a column, Σ weight·value + intercept, and these decide:
///
///   two classes   (one column) labels[0] where the score is above 0, else labels[1]
///   more classes  (a column each) the label of the largest score, the first of equal ones
///   multi-label   (a column each) each label whose score is above 0
///
/// which is what liblinear-predict does with the first two.
///
/// Only features with a weight that is not zero are held, so that wide ids cost nothing.
/// Invariant: feature ascends, each under feature_count, and none of them has zeros alone.
struct LinearModel {
  std::optional<Loss> loss = Loss::kHinge;  ///< nothing where LIBLINEAR has a loss that we have not
  std::vector<float> labels{1.0F, -1.0F};   ///< all different
  bool is_multilabel = false;
  std::uint32_t feature_count = 0;       ///< the largest id
  std::vector<std::uint32_t> feature{};  ///< ids less one that have weights
  std::vector<double> weight{};          ///< of feature[i], column c: weight[i·column_count() + c]
  std::vector<double> intercept{};       ///< one a column; empty where it was trained without
  Sigmoids sigmoids{};                   ///< fitted ones, one a column, or none (sigmoid.hpp)
  std::string recipe{};                  ///< how raw data becomes its rows (recipe.hpp), or nothing

  [[nodiscard]] std::uint32_t column_count() const {
    return is_multilabel || labels.size() > 2 ? static_cast<std::uint32_t>(labels.size()) : 1;
  }
  /// Weights that are not 0, intercepts left out.
  [[nodiscard]] std::uint64_t nonzero_weights() const;
  /// Adds a feature with a weight a column, unless all are zero. REQUIRES: above those added
  /// before.
  void add_feature(std::uint32_t index, std::span<const double> weights);

  friend bool operator==(const LinearModel&, const LinearModel&) = default;
};

/// A model without weights for data of these labels: the positive class first.
[[nodiscard]] LinearModel model_of(const LabelEncoding& labels);

/// Why a model is not written as LIBLINEAR's text, which has a line for each id; empty where it can
/// be. The binary form has no such bound.
[[nodiscard]] std::string liblinear_complaint(std::uint64_t feature_count, std::uint64_t columns);

/// The model as LIBLINEAR's text, which liblinear-predict reads: solver_type L2R_L1LOSS_SVC_DUAL
/// (hinge), L2R_L2LOSS_SVC_DUAL (squared hinge) or L2R_LR (logistic), intercepts as the last
/// weights with `bias 1`. Equal models give equal bytes; numbers are the shortest that read back
/// exactly. (liblinear-predict reads labels as integers.)
///
/// A multi-label model has a line `multilabel` behind the weights, where liblinear-predict reads no
/// more: it gives the best label alone. One of two labels says MCSVM_CS, the only solver that
/// LIBLINEAR expects two columns of; its loss is not told, and liblinear-predict gives the first
/// label where its score is above 0, else the second.
/// Sigmoids are lines `sigmoid SLOPE OFFSET`, one a column, behind these; a recipe is a line
/// `recipe LINES` and its lines at the end. REQUIRES: a loss, finite numbers, no
/// liblinear_complaint().
[[nodiscard]] std::string to_liblinear(const LinearModel& model);

/// Reads LIBLINEAR's text, ours or theirs: any number of classes in any order, any solver for
/// classification, any bias. (Of two columns that MCSVM_CS has for two classes the first decides,
/// as it does in liblinear-predict.) Errors: at the first place that is not as expected.
[[nodiscard]] std::expected<LinearModel, DataError> parse_liblinear(std::string_view text,
                                                                    std::string name);

/// Reads a model file of either form, told apart by its first bytes (binary_model.hpp).
/// Errors: those of the two parsers, and what the system says.
[[nodiscard]] std::expected<LinearModel, DataError> load_model(const std::string& path);

/// `id,weight` and a line for each weight that is not zero; an intercept has the id 0. With several
/// columns `id,weight,label`.
[[nodiscard]] std::string to_weights_csv(const LinearModel& model);

}  // namespace hogwild::sgd
