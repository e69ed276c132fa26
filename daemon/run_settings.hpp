#pragma once

#include <vector>

#include "http/status.hpp"
#include "sgd/replica/run_info.hpp"

namespace hogwild::daemon {

/// A run's settings by the names of their flags, each as it would be typed: truths and numbers as
/// such, times with their unit, and null for what is not set. The seed stays text, for it may have
/// more digits than JSON's readers keep.
[[nodiscard]] std::vector<http::Setting> run_settings(const sgd::RunSettings& settings);

}  // namespace hogwild::daemon
