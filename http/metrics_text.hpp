#pragma once

#include <string>

#include "http/metrics.hpp"

namespace hogwild::http {

/// The Prometheus text exposition (format 0.0.4) of `metrics`: HELP and TYPE before each metric,
/// base units.
[[nodiscard]] std::string metrics_text(const Metrics& metrics);

}  // namespace hogwild::http
