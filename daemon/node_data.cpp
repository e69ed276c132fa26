// Where a node's rows come from: what the user named, what the run says how to make, or members
// that have them; and what this node gives to others.
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <cmath>

#include "daemon/exit_code.hpp"
#include "daemon/load_display.hpp"
#include "daemon/node.hpp"
#include "daemon/node_background.hpp"

namespace hogwild::daemon {
namespace {

namespace asio = boost::asio;
using std::chrono::seconds;

/// Between lines about data that take long to load.
constexpr seconds kLoadNews{3};
constexpr std::uint32_t kMostBadFetches = 5;
constexpr std::array kParts = {sgd::DataPart::kTrain, sgd::DataPart::kTest};

std::string_view name_of(sgd::DataPart part) {
  return part == sgd::DataPart::kTrain ? "train" : "test";
}

}  // namespace

void Node::load_data(LearnOptions learn) {
  if (options_.mode == NodeMode::kIdle) learn.train.clear();
  if (learn.train.empty()) {
    // Test data alone is laid out once the run has told its feature order.
    core_->with_run(Clock::now(), out_box_, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
      run.data_loaded({}, Clock::now(), wanted);
    });
    return;
  }
  load([learn, initial = initial_, settings = run_options().settings](sgd::LoadProgress* progress) {
    auto data = load_training_data(learn, learn.threads, progress);
    if (initial == nullptr || !data) return data;
    const auto added = add_initial(*initial, settings, *data);
    return added ? std::move(data) : std::unexpected(added.error());
  });
}

/// Runs `job` on a thread of its own.
void Node::load(LoadJob job) {
  begin_loading();
  loader_ = std::jthread([this, job = std::move(job)] {
    auto loaded = job(&load_progress_);
    asio::post(context_,
               [this, loaded = std::move(loaded)]() mutable { data_arrived(std::move(loaded)); });
  });
}

void Node::begin_loading() {
  is_loading_ = true;
  tell_load_progress(Clock::now());
}

/// Says how far loading is, each few seconds until it has ended.
void Node::tell_load_progress(Instant start) {
  load_timer_.expires_after(kLoadNews);
  load_timer_.async_wait([this, start](const boost::system::error_code& error) {
    if (error || !is_loading_ || is_over_) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const LoadCounts counts = load_counts(load_progress_, seconds);
    log_.event(LogLevel::kEvaluations, "data_loading",
               {{"bytes", counts.bytes},
                {"total_bytes", counts.total_bytes},
                {"percent", percent_loaded(counts)},
                {"rows", counts.rows},
                {"seconds", seconds}});
    tell_load_progress(start);
  });
}

void Node::data_arrived(std::expected<TrainingData, DataFailure> loaded) {
  is_loading_ = false;
  load_timer_.cancel();
  if (!loaded) {
    if (may_fetch_again()) return;
    log_.warning("data_unusable", {{"reason", loaded.error().message}});
    begin_leave(loaded.error().exit_code, "data");
    return;
  }
  if (loaded->train) {
    log_.event(LogLevel::kMembership, "data_loaded",
               {{"rows", loaded->train->rows.row_count()},
                {"nonzeros", loaded->train->rows.nonzero_count()},
                {"features", loaded->train->rows.feature_count()},
                {"fingerprint", fmt::format("{:016x}", loaded->train->fingerprint)},
                {"seconds", loaded->load_s}});
  }
  if (loaded->train) {
    const auto complaint = held_back_complaint(options_.learn, loaded->train->rows.row_count());
    if (!complaint.empty()) {
      log_.warning("data_unusable", {{"reason", complaint}});
      begin_leave(kBadData, "data");
      return;
    }
  }
  if (loaded->unknown_test_entries > 0) {
    log_.event(LogLevel::kMembership, "test_entries_unknown",
               {{"count", loaded->unknown_test_entries}});
  }
  if (loaded->dropped_features > 0) {
    log_.event(LogLevel::kMembership, "initial_weights_dropped",
               {{"features", loaded->dropped_features}});
  }
  sgd::LocalData data;
  data.laid_out_for = laid_out_for_;
  if (options_.shard && loaded->train) {
    data.part = part_ ? part_
                      : std::make_shared<const sgd::PartSummary>(
                            sgd::summary_of(*loaded->train, loaded->test_fingerprint));
    part_ = data.part;
  }
  data.has_train = loaded->train.has_value();
  data.has_test = loaded->test.has_value();
  data.test_fingerprint = loaded->test_fingerprint;
  data.test_source = loaded->test_source;
  if (loaded->train && laid_out_for_ == 0) {
    data.constants = run_constants(*loaded);
    data.train_source = loaded->train->shared_source;
    data.initial = loaded->initial;
  }
  data_ = std::make_shared<const TrainingData>(std::move(*loaded));
  core_->with_run(Clock::now(), out_box_, [&](sgd::Run& run, sgd::RunOutbox& wanted) {
    run.data_loaded(std::move(data), Clock::now(), wanted);
  });
  offer_data();
  // Two islands may have met while a part was laid out for the run of one.
  const sgd::RunInfo* info = core_->run().info();
  if (info != nullptr && info->settings.is_sharded) get_part_of_run(*info);
  turn();
}

// ── From members of the run ──

void Node::get_data_of_run() {
  const sgd::RunInfo& info = *core_->run().info();
  if (info.settings.is_sharded) return get_part_of_run(info);
  if (data_ || is_loading_ || !options_.learn.train.empty()) return;
  learn_of_run_ = learn_of(info);
  learn_of_run_.train = info.settings.train_source;
  fetched_ = {};
  if (learn_of_run_.train.empty()) begin_fetch(sgd::DataPart::kTrain);
  if (learn_of_run_.test.empty() && info.constants.test_fingerprint != 0) {
    begin_fetch(sgd::DataPart::kTest);
  }
  load_what_was_fetched();
}

LearnOptions Node::learn_of(const sgd::RunInfo& info) const {
  LearnOptions learn = options_.learn;
  if (learn.test.empty()) learn.test = info.settings.test_source;
  learn.shape = info.settings.shape;
  learn.lambda = info.settings.lambda;
  return learn;
}

// Each has its own rows, and gives none away. Who has none holds the run's state, and may measure
// it.
void Node::get_part_of_run(const sgd::RunInfo& info) {
  if (is_loading_ || laid_out_for_ == info.id) return;
  if (!data_ || !data_->train) {
    learn_of_run_ = learn_of(info);
    if (data_ || learn_of_run_.test.empty() || !options_.learn.train.empty()) return;
    laid_out_for_ = info.id;
    return load([learn = learn_of_run_, constants = info.constants](sgd::LoadProgress* progress) {
      return load_test_data(learn, constants, learn.threads, progress);
    });
  }
  laid_out_for_ = info.id;
  load([own = data_, learn = learn_of(info),
        constants = info.constants](sgd::LoadProgress* progress) {
    return lay_out_part(*own, learn, constants, learn.threads, progress);
  });
}

void Node::begin_fetch(sgd::DataPart part) {
  const sgd::RunConstants& constants = core_->run().info()->constants;
  const std::uint64_t fingerprint =
      part == sgd::DataPart::kTrain ? constants.train_fingerprint : constants.test_fingerprint;
  FetchedPart& fetched = fetched_[static_cast<std::size_t>(part)].emplace();
  std::string name;
  if (!options_.state.empty()) {  // to be found by the next process
    name = fmt::format("{}-{:016x}.hwd", name_of(part), fingerprint);
    if (std::filesystem::exists(options_.state / name)) {
      fetched.path = (options_.state / name).string();
      return;
    }
  }
  auto file = FetchedFile::open(options_.state.empty() ? *out_ : options_.state, name);
  if (!file) return fail(file.error());
  log_.event(LogLevel::kMembership, "fetching_data",
             {{"part", name_of(part)},
              {"fingerprint", fmt::format("{:016x}", fingerprint)},
              {"have_bytes", file->have_bytes()}});
  core_->fetch_data(part, file->id(), file->have_bytes());
  fetched.file = std::make_shared<FetchedFile>(std::move(*file));
}

void Node::store(FetchedPiece piece) {
  const auto& fetched = fetched_[static_cast<std::size_t>(piece.part)];
  if (!fetched || !fetched->file) return;
  in_background(
      [file = fetched->file, piece = std::move(piece)]() mutable {
        auto stored = file->write(piece.offset, piece.bytes, piece.begins_anew);
        if (stored && piece.is_last) stored = file->complete();
        return std::tuple(std::move(file), piece.part, piece.is_last, std::move(stored));
      },
      [this](const auto& result) {
        const auto& [file, part, is_last, stored] = result;
        auto& current = fetched_[static_cast<std::size_t>(part)];
        if (!current || current->file != file) return;  // of another run
        if (!stored) return fail(stored.error());
        if (!is_last) return;
        log_.event(LogLevel::kMembership, "data_fetched",
                   {{"part", name_of(part)}, {"bytes", core_->fetch_of(part)->total_bytes()}});
        current->path = file->path();
        load_what_was_fetched();
        turn();
      });
}

void Node::load_what_was_fetched() {
  FetchedData fetched;
  for (const sgd::DataPart part : kParts) {
    const auto& have = fetched_[static_cast<std::size_t>(part)];
    if (!have) continue;
    if (have->path.empty()) return;  // more is to come
    (part == sgd::DataPart::kTrain ? fetched.train_cache : fetched.test_cache) = have->path;
  }
  load([fetched, learn = learn_of_run_,
        constants = core_->run().info()->constants](sgd::LoadProgress* progress) {
    return load_fetched_data(fetched, learn, constants, learn.threads, progress);
  });
}

// What lies in --state may be damaged, and what members gave may be no data: it is then fetched
// again.
bool Node::may_fetch_again() {
  const auto is_stored = [](const auto& part) { return part && !part->file; };
  const auto is_given = [](const auto& part) { return part && part->file; };
  if (std::ranges::any_of(fetched_, is_given)) {
    if (++fetched_badly_ == kMostBadFetches) return false;
    log_.warning("fetched_data_unusable", {{"hint", "it is fetched again, from others first"}});
    core_->fetched_badly();
  } else if (std::ranges::any_of(fetched_, is_stored)) {
    log_.warning("stored_data_unusable", {{"directory", options_.state.string()}});
  } else {
    return false;
  }
  for (const sgd::DataPart part : kParts) {
    const auto& have = fetched_[static_cast<std::size_t>(part)];
    std::error_code ignored;
    if (have && !options_.state.empty()) std::filesystem::remove(have->path, ignored);
  }
  get_data_of_run();
  turn();
  return true;
}

// What anybody can make needs no giving.
void Node::offer_data() {
  const sgd::RunInfo* info = core_->run().info();
  if (info == nullptr || !data_ || offered_run_ == info->id || info->settings.is_sharded) return;
  offered_run_ = info->id;
  const bool is_train_needed = info->settings.train_source.empty();
  const bool is_test_needed = info->settings.test_source.empty();
  if (!is_train_needed && !is_test_needed) return;
  in_background(
      [data = data_, constants = info->constants, is_train_needed, is_test_needed] {
        std::array<std::optional<sgd::OfferedData>, 2> offers;
        for (const sgd::DataPart part : kParts) {
          const bool is_needed = part == sgd::DataPart::kTrain ? is_train_needed : is_test_needed;
          if (is_needed) {
            offers[static_cast<std::size_t>(part)] = offered_data(data, constants, part);
          }
        }
        return offers;
      },
      [this, run = info->id](auto offers) {
        if (core_->run().info() == nullptr || core_->run().info()->id != run) return;
        for (const sgd::DataPart part : kParts) {
          auto& offer = offers[static_cast<std::size_t>(part)];
          if (offer) core_->offer_data(part, std::move(*offer));
        }
      });
}

}  // namespace hogwild::daemon
