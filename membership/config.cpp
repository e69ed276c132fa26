#include "membership/config.hpp"

#include <string_view>

#include "membership/profile.hpp"

namespace hogwild::membership {

std::vector<std::string> validate(const SwimConfig& config) {
  std::vector<std::string> violations;
  const auto require = [&](bool holds, std::string_view rule) {
    if (!holds) violations.emplace_back(rule);
  };
  const Duration none = Duration::zero();
  require(config.probe_interval > none, "probe_interval must be above 0");
  require(config.probe_timeout_min > none, "probe_timeout_min must be above 0");
  require(config.probe_timeout_max >= config.probe_timeout_min,
          "probe_timeout_max must not be below probe_timeout_min");
  require(config.probe_helpers <= 16, "probe_helpers must be from 0 to 16");
  require(config.indirect_timeout > none, "indirect_timeout must be above 0");
  require(config.suspicion_base > none, "suspicion_base must be above 0");
  require(config.suspicion_per_log2 >= none, "suspicion_per_log2 must not be negative");
  require(config.suspicion_max_factor >= 1, "suspicion_max_factor must be at least 1");
  require(config.refused_timeout > none, "refused_timeout must be above 0");
  require(config.gossip_interval > none, "gossip_interval must be above 0");
  require(config.gossip_fanout >= 1, "gossip_fanout must be at least 1");
  require(config.rumor_send_factor >= 1, "rumor_send_factor must be at least 1");
  require(config.sync_interval > none, "sync_interval must be above 0");
  require(config.sync_timeout > none, "sync_timeout must be above 0");
  require(config.digest_patience >= none, "digest_patience must not be negative");
  require(config.heal_interval_min > none, "heal_interval_min must be above 0");
  require(config.heal_interval_max >= config.heal_interval_min,
          "heal_interval_max must not be below heal_interval_min");
  require(config.heal_fanout >= 1, "heal_fanout must be at least 1");
  require(config.reap_after > none, "reap_after must be above 0");
  require(config.bury_for > none, "bury_for must be above 0");
  require(config.leave_timeout > none, "leave_timeout must be above 0");
  require(config.leave_resend_interval > none, "leave_resend_interval must be above 0");
  require(config.challenge_timeout > none, "challenge_timeout must be above 0");
  require(config.max_payload_bytes >= 512,
          "max_payload_bytes must be at least 512, so that the longest claim fits into a packet");
  require(config.max_members >= 2, "max_members must be at least 2");
  require(config.max_stream_bytes >= std::size_t{512} * config.max_members,
          "max_stream_bytes must be at least 512 * max_members, so that a view fits into a stream");
  return violations;
}

}  // namespace hogwild::membership
