#include "sgd/replica/history.hpp"

#include "sgd/learn/candidate.hpp"

namespace hogwild::sgd {
namespace {

constexpr double kLeastImprovement = 1e-4;  // of the value

}  // namespace

bool is_improvement(double loss, double on) { return on - loss > kLeastImprovement * std::abs(on); }

Improvement improvement_of(std::span<const HistoryPoint> points, std::uint64_t rows_an_epoch) {
  Improvement improvement;
  for (std::size_t row = 0; row < points.size(); ++row) {
    const HistoryPoint& point = points[row];
    if (point.updates < rows_an_epoch || !std::isfinite(point.test_loss)) continue;
    ++improvement.rows_since;
    if (improvement.best_row &&
        !is_improvement(point.test_loss, points[*improvement.best_row].test_loss)) {
      continue;
    }
    improvement = {row, 0};
  }
  return improvement;
}

void write_points(std::span<const HistoryPoint> points, ByteWriter& writer) {
  writer.varint(points.size());
  for (const HistoryPoint& point : points) {
    writer.f64(point.t_seconds);
    writer.varint(point.updates);
    writer.f64(point.train_loss);
    writer.f64(point.train_accuracy);
    writer.f64(point.test_loss);
    writer.f64(point.test_accuracy);
    writer.varint(point.candidate);
  }
}

std::vector<HistoryPoint> read_points(ByteReader& reader, std::size_t most) {
  const std::uint64_t count = reader.varint();
  if (count > most) reader.fail();
  std::vector<HistoryPoint> points;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    HistoryPoint point;
    point.t_seconds = reader.f64();
    point.updates = reader.counted();
    point.train_loss = reader.f64();
    point.train_accuracy = reader.f64();
    point.test_loss = reader.f64();
    point.test_accuracy = reader.f64();
    const std::uint64_t candidate = reader.varint();
    if (candidate >= kMostCandidates) reader.fail();
    point.candidate = static_cast<std::uint32_t>(candidate);
    points.push_back(point);
  }
  return points;
}

}  // namespace hogwild::sgd
