#include "daemon/seed_finder.hpp"

#include <algorithm>

#include "daemon/socket_address.hpp"

namespace hogwild::daemon {
namespace {

namespace ip = boost::asio::ip;

/// While alone a node asks again, less and less often; once it knows somebody, membership itself
/// keeps probing who is lost.
constexpr std::chrono::milliseconds kLongestPause{2000};
constexpr std::chrono::milliseconds kPauseWithPeers{1000};

}  // namespace

SeedFinder::SeedFinder(boost::asio::io_context& context, std::vector<HostPort> seeds, Join join,
                       std::function<bool()> is_alone)
    : resolver_(context),
      timer_(context),
      seeds_(std::move(seeds)),
      join_(std::move(join)),
      is_alone_(std::move(is_alone)) {}

void SeedFinder::start() {
  for (const HostPort& seed : seeds_) resolve(seed);
  again();
}

void SeedFinder::add(HostPort seed) {
  resolve(seed);
  seeds_.push_back(std::move(seed));
}

void SeedFinder::close() {
  resolver_.cancel();
  timer_.cancel();
}

void SeedFinder::resolve(const HostPort& seed) {
  resolver_.async_resolve(
      seed.host, std::to_string(seed.port),
      [this, seed](const boost::system::error_code& error,
                   const ip::udp::resolver::results_type& found) {
        if (error == boost::asio::error::operation_aborted) return;
        problem_ = error ? "cannot resolve " + seed.text() + ": " + error.message() : "";
        for (const auto& entry : found) {
          join_(to_endpoint(entry.endpoint().address(), entry.endpoint().port()));
        }
      });
}

void SeedFinder::again() {
  const bool is_alone = is_alone_();
  timer_.expires_after(is_alone ? pause_ : kPauseWithPeers);
  pause_ = std::min(pause_ * 2, kLongestPause);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (is_alone_()) {
      for (const HostPort& seed : seeds_) resolve(seed);
    }
    again();
  });
}

}  // namespace hogwild::daemon
