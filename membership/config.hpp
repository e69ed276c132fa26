#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "membership/instant.hpp"

namespace hogwild::membership {

/// Every knob of the protocol. The defaults are meant for all networks from loopback to a WAN,
/// since timeouts follow measured round trips; what rises and falls with each is said beside it.
struct SwimConfig {
  // Probing. A shorter interval finds failures sooner and costs proportionally more while idle.
  Duration probe_interval = std::chrono::milliseconds(700);
  // Bounds of smoothed RTT + 4 deviations. A lower minimum is faster and more easily fooled by a
  // busy host.
  Duration probe_timeout_min = std::chrono::milliseconds(30);
  Duration probe_timeout_max = std::chrono::milliseconds(300);
  // More helpers survive more loss; each costs four packets a failed direct probe.
  std::uint32_t probe_helpers = 3;
  // Longest wait for helpers and TCP. Longer: fewer false suspicions under loss, later detection.
  Duration indirect_timeout = std::chrono::milliseconds(500);
  // Mean number of members that probe a newly suspected one at once, to confirm or to clear it.
  std::uint32_t verifiers = 5;

  // Suspicion lasts base + per_log2 * log2(N), stretched by own ill health, once `confirmations`
  // independent accusers agree; a lone accuser waits max_factor times as long. Longer: fewer false
  // deaths, later detection.
  Duration suspicion_base = std::chrono::seconds(2);
  Duration suspicion_per_log2 = std::chrono::milliseconds(250);
  std::uint32_t suspicion_max_factor = 4;
  std::uint32_t suspicion_confirmations = 3;
  // What is left to a member of which two observers know that nobody listens at its address.
  Duration refused_timeout = std::chrono::milliseconds(300);

  // Gossip. The timer runs only while there are rumors; shorter spreads faster and packs fewer into
  // a packet.
  Duration gossip_interval = std::chrono::milliseconds(50);
  std::uint32_t gossip_fanout = 3;
  // A rumor is sent factor * ceil(log2(N + 1)) times. More: fewer syncs afterwards, more packets a
  // change.
  std::uint32_t rumor_send_factor = 3;

  // Push-pull. At most one sync that nobody asked for in this time.
  Duration sync_interval = std::chrono::seconds(1);
  Duration sync_timeout = std::chrono::seconds(3);
  // How long views may differ, with nothing left to gossip, before they are compared.
  Duration digest_patience = std::chrono::milliseconds(200);

  // Dead members are probed at the shorter interval after a failure, slowing down to the longer,
  // for ever.
  Duration heal_interval_min = std::chrono::seconds(2);
  Duration heal_interval_max = std::chrono::seconds(10);
  // How many of the dead are asked at a time, in turns.
  std::uint32_t heal_fanout = 4;

  // Dead and left members stay listed, then only their ids are kept, so that late rumors do not
  // revive them.
  Duration reap_after = std::chrono::minutes(10);
  Duration bury_for = std::chrono::hours(24);

  Duration leave_timeout = std::chrono::seconds(1);
  Duration leave_resend_interval = std::chrono::milliseconds(200);
  std::uint32_t leave_acks = 3;
  std::uint32_t leave_told_directly = 128;

  // How long an older member of this node's name has to answer before the name is taken over.
  Duration challenge_timeout = std::chrono::milliseconds(600);

  // Bounds. UDP payload without the daemon's envelope; members incl. dead ones; bytes of one stream
  // message.
  std::size_t max_payload_bytes = 1340;
  std::uint32_t max_members = 1024;
  std::size_t max_stream_bytes = std::size_t{1} << 20U;
};

/// One sentence for each violated range, all at once; empty when the configuration can be used.
[[nodiscard]] std::vector<std::string> validate(const SwimConfig& config);

}  // namespace hogwild::membership
