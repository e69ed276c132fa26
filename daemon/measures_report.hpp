#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>

#include "sgd/learn/measures.hpp"

namespace hogwild::daemon {

/// Measures as report.json has them; what is unknown is null. `labels` are those of the measures,
/// in their order.
[[nodiscard]] boost::json::object measures_json(const sgd::Measures& measures,
                                                std::span<const float> labels);

/// The same for people: some lines, each with a newline; nothing where there are no rows. Tables of
/// many classes are left to the JSON.
[[nodiscard]] std::string measures_text(const sgd::Measures& measures,
                                        std::span<const float> labels);

}  // namespace hogwild::daemon
