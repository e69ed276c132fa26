#pragma once

#include <cstdint>

namespace hogwild::sgd {

/// Which part of a data set that has two.
enum class DataPart : std::uint8_t { kTrain, kTest };

}  // namespace hogwild::sgd
