#include "daemon/seed_finder.hpp"

#include <algorithm>
#include <utility>

#include "daemon/socket_address.hpp"

namespace hogwild::daemon {
namespace {

namespace ip = boost::asio::ip;
using std::chrono::milliseconds;

// While alone a node asks again, less and less often. With peers, membership itself keeps asking
// the addresses that were found; but a name may have new ones.
constexpr milliseconds kFirstPause{250};
constexpr milliseconds kLongestPause{2000};
constexpr milliseconds kPauseWithPeers{10'000};
constexpr std::size_t kMostSeeds = 64;

}  // namespace

SeedFinder::Seed::Seed(HostPort where) : at(std::move(where)) {
  boost::system::error_code error;
  ip::make_address(at.host, error);
  is_name = error.failed();
}

SeedFinder::SeedFinder(boost::asio::io_context& context, std::vector<HostPort> seeds, Node node)
    : resolver_(context), timer_(context), node_(std::move(node)), pause_(kFirstPause) {
  for (HostPort& seed : seeds) seeds_.emplace_back(std::move(seed));
}

void SeedFinder::start() {
  for (std::size_t i = 0; i < seeds_.size(); ++i) resolve(i);
  if (!seeds_.empty()) wait();
}

bool SeedFinder::add(HostPort seed) {
  const auto known = std::ranges::find(seeds_, seed, &Seed::at);
  const auto index = static_cast<std::size_t>(known - seeds_.begin());
  if (known == seeds_.end()) {
    if (seeds_.size() >= kMostSeeds) return false;
    seeds_.emplace_back(std::move(seed));
    if (seeds_.size() == 1) wait();
  }
  resolve(index);
  return true;
}

void SeedFinder::close() {
  resolver_.cancel();
  timer_.cancel();
}

void SeedFinder::resolve(std::size_t index) {
  if (std::exchange(seeds_[index].is_asked, true)) return;
  const HostPort& at = seeds_[index].at;
  resolver_.async_resolve(
      at.host, std::to_string(at.port),
      [this, index](const boost::system::error_code& error,
                    const ip::udp::resolver::results_type& found) {
        if (error == boost::asio::error::operation_aborted) return;
        seeds_[index].is_asked = false;
        problem_ =
            error ? "cannot resolve " + seeds_[index].at.text() + ": " + error.message() : "";
        for (const auto& entry : found) {
          const auto there = to_endpoint(entry.endpoint().address(), entry.endpoint().port());
          if (!node_.is_met(there)) node_.join(there);
        }
      });
}

void SeedFinder::wait() {
  const bool has_peers = !node_.is_alone();
  timer_.expires_after(has_peers ? kPauseWithPeers : pause_);
  pause_ = has_peers ? kFirstPause : std::min(pause_ * 2, kLongestPause);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const bool is_alone = node_.is_alone();
    for (std::size_t i = 0; i < seeds_.size(); ++i) {
      if (is_alone || seeds_[i].is_name) resolve(i);
    }
    wait();
  });
}

}  // namespace hogwild::daemon
