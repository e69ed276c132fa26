// What a delta costs the network thread: ns of CPU a datagram and an entry, by step.
//
//     ninja -C build bench/datagram_bench && build/bench/datagram_bench [RUNS]
//     build/bench/datagram_bench bytes DATA...
//
// With `bytes`: how many bytes an update takes in deltas of windows of different length, from the
// first update on and after half an epoch, and how many if each cell came with its own gap.
//
// Deltas are those of a flush of 5,000 updates of synth:rcv1: entries of the frequent features,
// small values. Datagrams go over loopback, from one socket to another of this process, so one
// thread pays for both ends. Least of RUNS, which alternate the ways.

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/secure_channel.hpp"
#include "daemon/udp_port.hpp"
#include "sgd/data/source.hpp"
#include "sgd/learn/own_work.hpp"
#include "sgd/learn/worker.hpp"
#include "sgd/replica/block_plan.hpp"
#include "sgd/replica/delta.hpp"
#include "sgd/replica/replica.hpp"

namespace hogwild {
namespace {

namespace asio = boost::asio;

/// CPU seconds of this thread.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// What one node publishes after training on so many rows, once it has trained on `before` others.
std::vector<sgd::CellDelta> flush_of(const sgd::TrainingSet& set, std::uint64_t rows,
                                     std::uint64_t before = 0) {
  const sgd::Rule rule{.lambda = {set.scale.scaled_lambda(1e-4)},
                       .metric = sgd::metric_of(set.mean_square, set.rows.row_count())};
  sgd::PublishedSums published({rule.feature_count(), 1});
  sgd::OwnWork own(published.layout());
  const auto train = [&](std::uint64_t first, std::uint64_t count) {
    sgd::RowQueue queue(1024);
    sgd::Pace pace;
    sgd::Worker worker({set.rows, rule, published, own, queue, pace,
                        sgd::kernels_of(sgd::best_instruction_path()), 1},
                       0);
    for (const std::uint64_t end = first + count; first < end; first += 250) {
      static_cast<void>(queue.push(
          {first, static_cast<std::uint32_t>(std::min<std::uint64_t>(250, end - first))}));
    }
    const std::jthread thread([&worker] { worker.run(); });
    while (queue.popped() < queue.pushed()) std::this_thread::yield();
    queue.stop();
  };
  std::vector<sgd::CellDelta> fresh;
  for (std::uint64_t first = 0; first < before; first += 5000) {
    train(first, std::min<std::uint64_t>(5000, before - first));
    fresh.clear();
    own.collect(published, fresh);
  }
  train(before, rows);
  fresh.clear();
  own.collect(published, fresh);
  return fresh;
}

/// Bytes of the datagrams that carry `entries`.
double bytes_sent(std::span<const sgd::CellDelta> entries) {
  double sum = 0;
  while (!entries.empty()) {
    sgd::Bytes datagram;
    entries = entries.subspan(sgd::encode_delta({1, 2, 3}, entries, datagram));
    sum += static_cast<double>(datagram.size());
  }
  return sum;
}

/// Bytes of `entries` if each were a gap and a value, without the heads of datagrams.
double bytes_cell_by_cell(std::span<const sgd::CellDelta> entries) {
  sgd::Bytes bytes;
  sgd::ByteWriter writer(bytes);
  std::int64_t previous = -1;
  for (const sgd::CellDelta& entry : entries) {
    writer.varint(static_cast<std::uint64_t>(entry.cell - previous));
    writer.zigzag(entry.value);
    previous = entry.cell;
  }
  return static_cast<double>(bytes.size());
}

int bytes_of(std::span<char*> sources) {
  fmt::print("{:<34} {:>7} {:>8} {:>8} {:>13}\n", "bytes an update", "window", "entries", "sent",
             "cell by cell");
  for (const char* const text : sources) {
    const auto source = sgd::parse_data_source(text);
    if (!source) return fmt::print("{}: no data\n", text), 1;
    const auto set = sgd::load_training(*source, 2);
    if (!set) return fmt::print("{}\n", set.error().message()), 1;
    const std::uint64_t rows = set->rows.row_count();
    for (const std::uint64_t window : {100U, 1'000U, 5'000U, 10'000U, 20'000U}) {
      for (const bool is_later : {false, true}) {
        const std::uint64_t before = is_later ? rows / 2 : 0;
        if (before + window > rows) continue;
        const auto fresh = flush_of(*set, window, before);
        const auto each = [&](double bytes) { return bytes / static_cast<double>(window); };
        fmt::print("{:<34} {:>7} {:>8} {:>8.1f} {:>13.1f}\n",
                   fmt::format("{}{}", text, is_later ? ", later" : ""), window, fresh.size(),
                   each(bytes_sent(fresh)), each(bytes_cell_by_cell(fresh)));
      }
    }
  }
  return 0;
}

class Loopback {
 public:
  Loopback() : from_(context_, any(), 8 << 20, true), to_(context_, any(), 8 << 20, true) {
    to_.start(
        {}, [this](const membership::Endpoint&, std::span<const std::byte>) { ++received_; },
        [](const membership::Endpoint&) {}, [] {});
  }

  /// ns of CPU a datagram to send and receive `count` of `size` bytes, `batch` in a call.
  double cost(std::size_t count, std::size_t size, std::size_t batch) {
    const std::vector<std::byte> bytes(size * batch);
    const auto to = membership::Endpoint::v4({127, 0, 0, 1}, to_.port());
    received_ = 0;
    const double start = cpu_seconds();
    for (std::size_t sent = 0; sent < count; sent += batch) {
      from_.send(to, bytes, size);
      if (sent / 512 != (sent + batch) / 512) context_.poll();
    }
    for (int idle = 0; received_ < count && idle < 1000; ++idle) context_.poll();
    const double seconds = cpu_seconds() - start;
    if (received_ < count) fmt::print("  lost {} of {}\n", count - received_, count);
    return seconds * 1e9 / static_cast<double>(count);
  }
  [[nodiscard]] bool has_batches() const {
    return from_.has_segmentation() && to_.has_coalescing();
  }

 private:
  static asio::ip::udp::endpoint any() { return {asio::ip::make_address("127.0.0.1"), 0}; }

  asio::io_context context_;
  daemon::UdpPort from_;
  daemon::UdpPort to_;
  std::size_t received_ = 0;
};

/// The least of `runs` results of `measure`.
double least(int runs, const std::function<double()>& measure) {
  double best = measure();
  for (int run = 1; run < runs; ++run) best = std::min(best, measure());
  return best;
}

int bench(int runs) {
  const auto source = sgd::parse_data_source("synth:rcv1?n=20000");
  const auto set = sgd::load_training(*source, 2);
  if (!set) return fmt::print("{}\n", set.error().message()), 1;
  const auto fresh = flush_of(*set, 5000);
  const sgd::SumsLayout layout(set->rows.feature_count(), 1);
  constexpr int kTimes = 200;

  sgd::DatagramBatch datagrams;
  const double publish_s = least(runs, [&] {
    sgd::Replica sender(1, 2, layout, std::size_t{64} << 20U);
    const double start = cpu_seconds();
    for (int i = 0; i < kTimes; ++i) {
      datagrams = {};
      sender.publish(fresh, datagrams);
    }
    return cpu_seconds() - start;
  });
  sgd::DatagramBatch all;
  sgd::Replica sender(1, 2, layout, std::size_t{64} << 20U);
  for (int i = 0; i < kTimes; ++i) sender.publish(fresh, all);
  const double apply_s = least(runs, [&] {
    sgd::Replica receiver(1, 3, layout, std::size_t{64} << 20U);
    const double start = cpu_seconds();
    for (std::size_t i = 0; i < all.size(); ++i) static_cast<void>(receiver.apply(all[i], {}));
    return cpu_seconds() - start;
  });
  const auto entries = static_cast<double>(fresh.size());
  const auto count = static_cast<double>(datagrams.size());
  fmt::print("a flush of 5,000 updates: {} entries in {} datagrams, {:.2f} bytes an entry\n",
             fresh.size(), datagrams.size(),
             static_cast<double>(datagrams.total_bytes()) / entries);
  fmt::print("{:<34} {:>9} {:>9}\n", "ns of CPU", "datagram", "entry");
  const auto row = [&](const char* what, double ns) {
    fmt::print("{:<34} {:>9.0f} {:>9.2f}\n", what, ns, ns * count / entries);
  };
  row("encode and retain, once for all", publish_s * 1e9 / kTimes / count);
  row("check, apply and retain", apply_s * 1e9 / kTimes / count);

  Loopback loopback;
  const std::size_t size = 1380;
  double one_by_one = 1e12;
  double batched = 1e12;
  for (int run = 0; run < runs; ++run) {
    one_by_one = std::min(one_by_one, loopback.cost(20'480, size, 1));
    batched = std::min(batched, loopback.cost(20'480, size, 32));
  }
  row("send and receive, one by one", one_by_one);
  row(loopback.has_batches() ? "send and receive, 32 in a call"
                             : "(no UDP_SEGMENT and UDP_GRO here)",
      batched);
  return 0;
}

}  // namespace
}  // namespace hogwild

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (argc > 2 && std::string_view(argv[1]) == "bytes") {
    return hogwild::bytes_of(arguments.subspan(2));
  }
  return hogwild::bench(argc > 1 ? std::atoi(argv[1]) : 5);
}
