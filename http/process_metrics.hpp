#pragma once

#include "http/metrics.hpp"

namespace hogwild::http {

/// Reads what /proc says of this process; what cannot be read stays empty. Cost: about 50 us.
[[nodiscard]] ProcessMetrics read_process_metrics();

}  // namespace hogwild::http
