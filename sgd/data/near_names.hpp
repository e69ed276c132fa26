#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hogwild::sgd {

/// The `most` names that look most like `wanted`, the nearest first: the fewest letters to change,
/// add or drop, in upper or lower case. For messages about a name that is unknown.
[[nodiscard]] std::vector<std::string> near_names(std::string_view wanted,
                                                  std::span<const std::string> names,
                                                  std::size_t most);

}  // namespace hogwild::sgd
