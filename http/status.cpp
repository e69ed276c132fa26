#include "http/status.hpp"

#include <array>

namespace hogwild::http {
namespace {

constexpr std::array<std::string_view, 6> kNodeStates = {"starting",  "waiting",  "training",
                                                         "finishing", "finished", "failed"};
constexpr std::array<std::string_view, 4> kMemberStates = {"alive", "suspect", "dead", "left"};

}  // namespace

std::string_view name_of(NodeState state) {
  return kNodeStates.at(static_cast<std::size_t>(state));
}

std::string_view name_of(MemberState state) {
  return kMemberStates.at(static_cast<std::size_t>(state));
}

std::optional<MemberState> member_state(std::string_view name) {
  for (std::size_t i = 0; i < kMemberStates.size(); ++i) {
    if (kMemberStates[i] == name) return static_cast<MemberState>(i);
  }
  return std::nullopt;
}

}  // namespace hogwild::http
