#include "sgd/replica/records.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/sgd/replica/decoding.hpp"

namespace hogwild::sgd {
namespace {

Snapshot full_snapshot() {
  Snapshot snapshot;
  snapshot.info.id = 5;
  snapshot.info.settings.lambda = {1e-5, 1e-3};
  snapshot.info.settings.bias = true;
  snapshot.info.settings.probabilities = true;
  snapshot.info.recipe = "hogwild recipe 1\ntexts 3\n";
  snapshot.info.settings.recipe = recipe_id(snapshot.info.recipe);
  snapshot.info.settings.train_source = "synth:rcv1";
  snapshot.info.constants.rows = 100;
  snapshot.info.constants.scale_exponent = -3;
  snapshot.info.constants.metric = {0.5F, 0.25F, 2.0F};
  snapshot.info.constants.file_index = {2, 0, 7};
  snapshot.info.constants.labels = {{3.0F, 4.0F, 17.0F}, /*is_multilabel=*/true};
  snapshot.info.constants.positives = {10, 0, 100};
  snapshot.info.settings.class_weight.by_label = {{4.0F, 2.5F}};
  snapshot.info.settings.l1 = 1e-6;
  snapshot.info.settings.init = "0123456789abcdef";
  snapshot.info.founders = {11, 12};
  snapshot.elapsed_s = 1.5;
  PublishedSums sums(snapshot.info.layout());
  sums.add({0, 64});
  sums.add({6, -3});
  snapshot.image = {sums.image(), sums.digest(), 99, {{21, 4, {{6, 7}}}}};
  snapshot.history = {{0.5, 64, 0.4, 0.8, 0.3, 0.9, 1}};
  snapshot.stop = StopOrder{64, 11, "epochs"};
  FinalRecord record;
  record.run = 5;
  record.finisher = 11;
  record.stop = *snapshot.stop;
  record.result.objective = 0.25;
  record.result.micro_f1 = 0.75;
  record.result.macro_f1 = 0.5;
  record.result.measures = {.rows = 9,
                            .is_multilabel = false,
                            .labels = {{5, 4, 3}, {2, 3, 1}, {2, 2, 0}},
                            .confusion = {3, 1, 1, 1, 1, 0, 0, 1, 1},
                            .roc_auc = 0.75,
                            .log_loss = 0.5};
  record.result.sigmoids = {{-1.0, 0.5}, {-2.0, 0.0}, {-3.0, -0.5}};
  record.result.candidate = 1;
  record.result.candidates = {{0.5, 0.75}, {0.25, 0.875}};
  record.history = snapshot.history;
  record.kept_row = 0;
  record.kept_digest = digest_of(snapshot.image.sums);
  snapshot.final_record = record;
  snapshot.kept = KeptState{0, snapshot.image.sums};
  return snapshot;
}

Checkpoint full_checkpoint() {
  const Snapshot snapshot = full_snapshot();
  Checkpoint checkpoint{snapshot.info, {}};
  checkpoint.info.resumed = {3, 4, 60};
  checkpoint.state = {.members = 2,
                      .elapsed_s = 1.5,
                      .sums = snapshot.image.sums,
                      .history = snapshot.history,
                      .kept = snapshot.kept,
                      .stop = snapshot.stop};
  return checkpoint;
}

Bytes encoded(const Checkpoint& checkpoint) {
  return encode_checkpoint(checkpoint.info, checkpoint.state);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(records)

BOOST_AUTO_TEST_CASE(a_founding_comes_back_and_nothing_else_is_one) {
  RunInfo info = full_snapshot().info;
  info.settings.mode = "async";
  const Founding founding{
      .info = info, .constants_hash = hash_of(info.constants), .elapsed_s = 0.25};
  const Bytes bytes = encode_founding(founding);
  const auto got = decode_founding(bytes);
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_TEST(got->info.id == info.id);
  BOOST_CHECK(got->info.settings == info.settings);
  BOOST_TEST(got->info.founders == info.founders);
  BOOST_TEST(got->elapsed_s == 0.25);
  BOOST_TEST(got->constants_hash == hash_of(info.constants));
  BOOST_TEST(count_accepted_truncations(bytes, [](std::span<const std::byte> given) {
               return decode_founding(given).has_value();
             }) == 0U);
}

BOOST_AUTO_TEST_CASE(a_founding_by_rounds_has_its_first_record) {
  Founding founding{.info = full_snapshot().info, .constants_hash = 5};
  founding.info.settings.mode = "sync";
  founding.round = RoundRecord{.key = {{{1, 7}, 1}, 0}, .roster = {{70, 7, true, true, true, 0}}};
  const Bytes bytes = encode_founding(founding);
  const auto got = decode_founding(bytes);
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_CHECK((got->round == founding.round));
  const RoundRecord first = *founding.round;
  const auto is_refused = [&](auto&& change) {
    RoundRecord record = first;
    change(record);
    founding.round = record;
    return !decode_founding(encode_founding(founding)).has_value();
  };
  BOOST_TEST(!is_refused([](RoundRecord&) {}));
  BOOST_TEST(is_refused([](RoundRecord& record) { record.key.ballot.epoch.number = 0; }));
  BOOST_TEST(is_refused([](RoundRecord& record) { record.key.ballot.term = 2; }));
  BOOST_TEST(is_refused([](RoundRecord& record) { record.key.round = 1; }));
  BOOST_TEST(is_refused([](RoundRecord& record) { record.applied_hash = 1; }));
  BOOST_TEST(is_refused([](RoundRecord& record) { record.roster[0].through = 1; }));
  BOOST_TEST(is_refused([](RoundRecord& record) { record.roster.clear(); }));
  founding.round.reset();
  BOOST_TEST(!decode_founding(encode_founding(founding)).has_value());
}

BOOST_AUTO_TEST_CASE(constants_that_differ_anywhere_have_other_hashes) {
  const RunConstants constants = full_snapshot().info.constants;
  const std::uint64_t hash = hash_of(constants);
  RunConstants other = constants;
  other.test_fingerprint ^= 1U;
  BOOST_TEST(hash_of(other) == hash);  // which need not be known to train
  other = constants;
  other.file_index.back() += 1;
  BOOST_TEST(hash_of(other) != hash);
  other = constants;
  other.metric.front() *= 2.0F;
  BOOST_TEST(hash_of(other) != hash);
  other = constants;
  other.labels.is_multilabel = false;
  BOOST_TEST(hash_of(other) != hash);
  other = constants;
  other.rows += 1;
  BOOST_TEST(hash_of(other) != hash);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_comes_back_whole) {
  const Checkpoint sent = full_checkpoint();
  const auto got = decode_checkpoint(encoded(sent));
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_CHECK(got->info.settings == sent.info.settings);
  BOOST_CHECK(got->info.constants == sent.info.constants);
  BOOST_CHECK(got->info.resumed == sent.info.resumed);
  BOOST_TEST(got->info.line() == 3U);
  BOOST_TEST(got->state.members == 2U);
  BOOST_TEST(got->state.elapsed_s == 1.5);
  BOOST_TEST(got->state.sums.sums == sent.state.sums.sums);
  BOOST_TEST(got->state.sums.scalars == sent.state.sums.scalars);
  BOOST_TEST(got->state.history.size() == 1U);
  BOOST_TEST(got->state.kept->row == 0U);
  BOOST_TEST((got->state.stop == sent.state.stop));
  BOOST_TEST(count_accepted_truncations(encoded(sent), [](auto bytes) {
               return decode_checkpoint(bytes).has_value();
             }) == 0U);
}

// The evaluator's row may come before the deltas that it was measured on.
BOOST_AUTO_TEST_CASE(a_checkpoint_forgets_rows_of_states_that_it_does_not_have) {
  Checkpoint checkpoint = full_checkpoint();
  checkpoint.state.history.push_back({0.7, 65, 0.4, 0.8, 0.2, 0.9});
  checkpoint.state.kept->row = 1;
  const auto got = decode_checkpoint(encoded(checkpoint));
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_TEST(got->state.history.size() == 1U);
  BOOST_TEST(!got->state.kept.has_value());
}

BOOST_AUTO_TEST_CASE(a_snapshot_comes_back_whole) {
  const Snapshot sent = full_snapshot();
  const auto got = decode_snapshot(encode_snapshot(sent));
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_CHECK(got->info.settings == sent.info.settings);
  BOOST_CHECK(got->info.constants == sent.info.constants);
  BOOST_TEST(got->info.founders == sent.info.founders);
  BOOST_TEST(got->info.recipe == sent.info.recipe);
  BOOST_TEST(got->image.sums.sums == sent.image.sums.sums);
  BOOST_TEST(got->image.digest == sent.image.digest);
  BOOST_CHECK(got->image.coverage == sent.image.coverage);
  BOOST_TEST(got->final_record->id() == sent.final_record->id());
  BOOST_TEST(got->final_record->result.objective == 0.25);
  BOOST_TEST(got->final_record->result.micro_f1 == 0.75);
  BOOST_TEST(got->final_record->result.macro_f1 == 0.5);
  BOOST_CHECK(got->final_record->result.measures == sent.final_record->result.measures);
  BOOST_CHECK(got->final_record->result.sigmoids == sent.final_record->result.sigmoids);
  BOOST_TEST(got->final_record->kept_row.value() == 0U);
  BOOST_TEST(digest_of(got->kept->image) == sent.final_record->kept_digest);
  BOOST_TEST(got->info.layout().columns() == 6U);
  BOOST_TEST(got->history.at(0).candidate == 1U);
  BOOST_TEST(got->final_record->result.candidate == 1U);
  BOOST_TEST(got->final_record->result.candidates.at(1).test_accuracy == 0.875);
}

BOOST_AUTO_TEST_CASE(a_snapshot_of_a_candidate_that_the_run_has_not_is_refused) {
  Snapshot wrong = full_snapshot();
  wrong.history[0].candidate = 2;
  BOOST_TEST(!decode_snapshot(encode_snapshot(wrong)));
  wrong = full_snapshot();
  wrong.final_record->result.candidate = 2;
  BOOST_TEST(!decode_snapshot(encode_snapshot(wrong)));
  wrong = full_snapshot();
  wrong.final_record->result.candidates.pop_back();
  BOOST_TEST(!decode_snapshot(encode_snapshot(wrong)));
}

BOOST_AUTO_TEST_CASE(a_report_comes_back_whole) {
  RunReport sent;
  sent.history = {{0.5, 64, 0.4, 0.8, 0.3, 0.9}};
  sent.links = Links{{"report.json", "http://host/report.json"}};
  const auto got = decode_report(encode_report(sent), full_snapshot().info);
  BOOST_TEST_REQUIRE(got.has_value());
  BOOST_TEST((got->links == sent.links));
  BOOST_TEST(!got->final_record);
  BOOST_TEST(!decode_report(encode_refusal(), full_snapshot().info));
  BOOST_TEST(!decode_snapshot(encode_refusal()));
  BOOST_TEST(!decode_kept_state(encode_refusal(), {3, 1}));
}

BOOST_AUTO_TEST_CASE(any_bytes_are_taken_without_harm) {
  BOOST_TEST(count_accepted_truncations(encode_snapshot(full_snapshot()), [](auto bytes) {
               return decode_snapshot(bytes).has_value();
             }) == 0U);
  RunReport report;
  report.links = Links{{"a", "b"}};
  BOOST_TEST(count_accepted_truncations(encode_report(report), [](auto bytes) {
               return decode_report(bytes, full_snapshot().info).has_value();
             }) == 0U);
  const Bytes request = encode_request({RequestType::kReport, 7, 1'000, 8});
  BOOST_TEST((decode_request(request) == Request{RequestType::kReport, 7, 1'000, 8}));
  BOOST_TEST(count_accepted_truncations(
                 request, [](auto bytes) { return decode_request(bytes).has_value(); }) == 0U);
}

BOOST_AUTO_TEST_CASE(a_state_that_is_not_what_it_says_is_refused) {
  const auto is_refused = [](auto&& change) {
    Snapshot snapshot = full_snapshot();
    change(snapshot);
    return !decode_snapshot(encode_snapshot(snapshot)).has_value();
  };
  BOOST_TEST(!is_refused([](Snapshot&) {}));
  BOOST_TEST(is_refused([](Snapshot& s) { s.image.digest += 1; }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.image.coverage[0].contiguous = ~0ULL; }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.image.coverage[0].contiguous = 1ULL << 49U; }));
  BOOST_TEST(!is_refused([](Snapshot& s) { s.image.tally = BlockTally(2, 0); }));  // of 100 rows
  BOOST_TEST(is_refused([](Snapshot& s) { s.image.tally = BlockTally(3, 0); }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.info.constants.rows = 1ULL << 41U; }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.info.constants.file_index[0] = 0xffff'ffffU; }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.info.constants.file_index[0] = 7; }));  // twice
  BOOST_TEST(is_refused([](Snapshot& s) { s.info.settings.lambda[0] = 1e308; }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.info.settings.l1 = -1; }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.info.settings.loss_interval.amount = 1ULL << 50U; }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.info.settings.mode = "sync"; }));  // without a record
  BOOST_TEST(is_refused([](Snapshot& s) { s.elapsed_s = 1e300; }));
  BOOST_TEST(is_refused([](Snapshot& s) {
    s.kept.reset();
    s.final_record->kept_row.reset();
    s.final_record->kept_digest = 0;
    s.final_record->history.clear();
  }));
  BOOST_TEST(is_refused([](Snapshot& s) { s.final_record->run = 6; }));
}

BOOST_AUTO_TEST_CASE(a_run_that_cannot_be_is_refused) {
  Snapshot snapshot = full_snapshot();
  snapshot.info.constants.metric[1] = 0.0F;
  BOOST_TEST(!decode_snapshot(encode_snapshot(snapshot)));
  snapshot = full_snapshot();
  snapshot.info.settings.mode = "chaos";
  BOOST_TEST(!decode_snapshot(encode_snapshot(snapshot)));
  snapshot = full_snapshot();
  snapshot.info.settings.class_weight.by_label = {{5.0F, 2.5F}};  // a label that it has not
  BOOST_TEST(!decode_snapshot(encode_snapshot(snapshot)));
  snapshot = full_snapshot();
  snapshot.info.constants.positives[1] = 101;  // of 100 rows
  BOOST_TEST(!decode_snapshot(encode_snapshot(snapshot)));
  snapshot = full_snapshot();
  snapshot.info.constants.rows = 0;
  BOOST_TEST(!decode_snapshot(encode_snapshot(snapshot)));
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const std::vector<float>& labels : {std::vector<float>{},
                                           {3},
                                           {3, 17, 4},
                                           {3, 3, 4},
                                           {3, kNan, 4},
                                           {kNan, 3, 4},
                                           {3, 4, kInfinity},
                                           {-kInfinity, 3, 4},
                                           std::vector<float>(65'537)}) {
    snapshot = full_snapshot();
    snapshot.info.constants.labels.labels = labels;
    if (labels.size() > 4) {  // all different, and too many
      std::iota(snapshot.info.constants.labels.labels.begin(),
                snapshot.info.constants.labels.labels.end(), 0.0F);
    }
    snapshot.info.constants.positives.resize(labels.size());
    snapshot.info.settings.class_weight = {};
    snapshot.image.sums.sums.resize(3 * labels.size());
    snapshot.image.sums.scalars.resize(1 + 4 * labels.size());
    BOOST_TEST(!decode_snapshot(encode_snapshot(snapshot)), labels.size());
  }
}

BOOST_AUTO_TEST_CASE(the_rule_is_that_of_the_scaled_rows) {
  RunInfo info = full_snapshot().info;
  const Rule rule = info.rule();
  BOOST_TEST(rule.loss_scale == 2.5);
  BOOST_TEST(rule.lambda.at(0) == 1e-5 / 64 / 2.5);
  BOOST_TEST(rule.l1 == 1e-6 / 8 / 2.5);
  BOOST_TEST(rule.initial_examples == 200.0);
  BOOST_CHECK((rule.class_weight == std::vector<ClassWeight>{{}, {2.5F, 1.0F}, {}}));
  info.settings.loss = Loss::kSquaredHinge;
  BOOST_TEST(info.rule().loss_scale == 5.0);
  info.settings.class_weight = {};
  BOOST_TEST(info.rule().loss_scale == 2.0);
  info.settings.init.clear();
  BOOST_TEST(info.rule().initial_examples == 0.0);
}

BOOST_AUTO_TEST_CASE(settings_survive_as_text) {
  RunSettings settings;
  settings.loss = Loss::kLogistic;
  settings.lambda = {3e-7, 1e-4};
  settings.l1 = 2e-7;
  settings.class_weight.is_balanced = true;
  settings.init = "0123456789abcdef";
  settings.max_time_s = 1.25;
  settings.loss_interval = {true, 5'000};
  const auto back = RunSettings::from_items(settings.items());
  BOOST_TEST_REQUIRE(back.has_value());
  BOOST_CHECK(*back == settings);
  auto items = settings.items();
  items.pop_back();
  BOOST_TEST(!RunSettings::from_items(items));
  items = settings.items();
  items[2].second = "nan";
  BOOST_TEST(!RunSettings::from_items(items));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
