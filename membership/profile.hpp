#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "membership/endpoint.hpp"
#include "membership/node_id.hpp"

namespace hogwild::membership {

inline constexpr std::size_t kMaxNameBytes = 63;
inline constexpr std::size_t kMaxMetaBytes = 128;

/// What a member says about itself. All but `meta` and `gossip` is fixed for the life of the
/// process. Invariant once validated: is_valid(profile).
struct Profile {
  NodeId id;
  std::string name;  // 1 to 63 of [A-Za-z0-9._-]
  Endpoint gossip;   // what the others dial
  std::uint64_t start_time_unix_ms = 0;
  std::vector<std::byte> meta;  // opaque here, at most 128 bytes

  friend bool operator==(const Profile&, const Profile&) = default;
};

using SelfInfo = Profile;

[[nodiscard]] bool is_valid_name(std::string_view name);
/// Name, length of meta, short id and address are all usable.
[[nodiscard]] bool is_valid(const Profile& profile);
/// The order of starts, ties broken by id: alike on every node.
[[nodiscard]] bool started_before(const Profile& a, const Profile& b);

}  // namespace hogwild::membership
