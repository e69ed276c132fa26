#include "membership/profile.hpp"

#include <algorithm>
#include <tuple>

namespace hogwild::membership {

bool is_valid_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, is_allowed);
}

bool is_valid(const Profile& profile) {
  return is_valid_name(profile.name) && profile.meta.size() <= kMaxMetaBytes &&
         profile.id.short_id() != 0 && !profile.gossip.is_unspecified();
}

bool started_before(const Profile& a, const Profile& b) {
  return std::tie(a.start_time_unix_ms, a.id) < std::tie(b.start_time_unix_ms, b.id);
}

}  // namespace hogwild::membership
