#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "daemon/training_data.hpp"
#include "sgd/learn/published_sums.hpp"
#include "sgd/model/model_file.hpp"
#include "sgd/replica/run_info.hpp"

namespace hogwild::daemon {

/// The model that training starts from (--init), as its file has it.
struct InitialModel {
  std::string path;
  sgd::LinearModel model;
  std::string fingerprint;  ///< of what it holds: the same for text and the binary form
};

/// Reads the file that --init names; a null pointer where `path` is empty.
/// Errors: a file that cannot be read or is no model (exit 3).
[[nodiscard]] std::expected<std::shared_ptr<const InitialModel>, DataFailure> load_initial_model(
    const std::filesystem::path& path);

/// Adds to `data` the cells from which a run of these settings starts, so that its weights are
/// those of `initial` to within half a unit of the sums, S_j = round(w_j·(δ + λ·t₀ + sv_j·√(A₀ +
/// 1))/q), and A₀ is what t₀ examples add at them, by 10,000 rows at most. t₀: see
/// Rule::initial_examples.
///
/// Only the run's creator computes it; the others get its bits.
/// Errors: other labels, or weights that no sum can hold (exit 3); an intercept where `settings`
/// has none (exit 2).
/// REQUIRES: settings.init is set; data.train.
[[nodiscard]] std::expected<void, DataFailure> add_initial(const InitialModel& initial,
                                                           const sgd::RunSettings& settings,
                                                           TrainingData& data);

}  // namespace hogwild::daemon
