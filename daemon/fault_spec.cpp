#include "daemon/fault_spec.hpp"

#include <fmt/format.h>

#include "daemon/quantity.hpp"

namespace hogwild::daemon {
namespace {

constexpr std::string_view kRightForm =
    "expected parts such as drop=.1,dup=.05,reorder=.1,seed=7, the first three from 0 to below 1";

/// Puts one `key=value` into `fault`; false where it is none.
bool set_part(std::string_view part, FaultSpec& fault) {
  const auto equals = part.find('=');
  if (equals == std::string_view::npos) return false;
  const auto key = part.substr(0, equals);
  const auto value = part.substr(equals + 1);
  if (key == "seed") {
    const auto seed = parse_count(value);
    if (seed) fault.seed = *seed;
    return seed.has_value();
  }
  const auto share = parse_number(value);
  if (!share || *share < 0 || *share >= 1) return false;
  if (key == "drop") return fault.drop = *share, true;
  if (key == "dup") return fault.duplicate = *share, true;
  if (key == "reorder") return fault.reorder = *share, true;
  return false;
}

}  // namespace

std::expected<FaultSpec, std::string> parse_fault_spec(std::string_view text) {
  FaultSpec fault;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    if (!set_part(text.substr(begin, end - begin), fault)) {
      return std::unexpected(std::string(kRightForm));
    }
    begin = end + 1;
  }
  return fault;
}

}  // namespace hogwild::daemon
