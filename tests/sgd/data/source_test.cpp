#include "sgd/data/source.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

std::string refusal(std::string_view text) {
  const auto source = parse_data_source(text);
  return source ? "accepted" : source.error();
}

BOOST_AUTO_TEST_SUITE(source)

BOOST_AUTO_TEST_CASE(path_and_standard_input_are_taken_as_they_are) {
  for (const char* path : {"-", "train.svm", "/data/a b?c=d", "./synth:rcv1", "synth"}) {
    const auto source = parse_data_source(path);
    BOOST_TEST_REQUIRE(source.has_value(), path);
    BOOST_TEST(!source->is_synthetic(), path);
    BOOST_TEST(std::get<FileSource>(source->where).path == path);
    BOOST_TEST(source->text == path);
  }
}

BOOST_AUTO_TEST_CASE(synthetic_settings_are_optional_and_in_any_order) {
  const auto bare = parse_data_source("synth:rcv1");
  BOOST_TEST_REQUIRE(bare.has_value());
  BOOST_TEST(bare->is_synthetic());
  const auto& open = std::get<SyntheticSource>(bare->where);
  BOOST_TEST(!open.rows.has_value());
  BOOST_TEST(!open.part.has_value());
  BOOST_TEST(open.seed == 1U);

  const auto full = parse_data_source("synth:rcv1?part=test&seed=18446744073709551615&n=100000000");
  BOOST_TEST_REQUIRE(full.has_value());
  const auto& all = std::get<SyntheticSource>(full->where);
  BOOST_TEST(all.rows.value() == 100'000'000U);
  BOOST_TEST(all.seed == 18446744073709551615U);
  BOOST_TEST((all.part == DataPart::kTest));
  BOOST_TEST(parse_data_source("synth:rcv1?").has_value());
}

BOOST_AUTO_TEST_CASE(rcv1_directory_is_what_stands_before_the_last_question_mark) {
  const auto bare = parse_data_source("lyrl2004:/data/rcv1");
  BOOST_TEST_REQUIRE(bare.has_value());
  BOOST_TEST(std::get<Lyrl2004Source>(bare->where).directory == "/data/rcv1");
  BOOST_TEST(std::get<Lyrl2004Source>(bare->where).topic.empty());
  BOOST_TEST(!std::get<Lyrl2004Source>(bare->where).part.has_value());
  const auto full = parse_data_source("lyrl2004:a?b/c?part=test&topic=CCAT");
  BOOST_TEST_REQUIRE(full.has_value());
  const auto& source = std::get<Lyrl2004Source>(full->where);
  BOOST_TEST(source.directory == "a?b/c");
  BOOST_TEST(source.topic == "CCAT");
  BOOST_TEST((source.part == DataPart::kTest));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_with_what_would_be_right) {
  BOOST_TEST(refusal("") ==
             "\"\": expected a path, -, synth:rcv1[?n=N&seed=S&part=train|test] or "
             "lyrl2004:DIR[?topic=T&part=train|test]");
  BOOST_TEST(refusal("synth:mnist") == "\"synth:mnist\": the only synthetic set is synth:rcv1");
  BOOST_TEST(refusal("synth:rcv1?n=0") ==
             "\"synth:rcv1?n=0\": n must be a number of rows from 1 to 100000000");
  for (const char* rows :
       {"n=", "n", "n=-1", "n=1e5", "n=100000001", "n=99999999999999999999", "n= 5", "n=5x"}) {
    BOOST_TEST(refusal("synth:rcv1?" + std::string(rows))
                   .ends_with("n must be a number of rows from 1 to 100000000"),
               rows);
  }
  for (const char* seed : {"seed=", "seed=-1", "seed=x", "seed=18446744073709551616"}) {
    BOOST_TEST(refusal("synth:rcv1?" + std::string(seed))
                   .ends_with("seed must be a whole number from 0 to 2^64 - 1"),
               seed);
  }
  BOOST_TEST(refusal("synth:rcv1?part=both").ends_with("part must be train or test"));
  BOOST_TEST(
      refusal("synth:rcv1?rows=5").ends_with("\"rows\" is unknown; expected n, seed or part"));
  BOOST_TEST(
      refusal("synth:rcv1?n=5&&seed=1").ends_with("\"\" is unknown; expected n, seed or part"));
  BOOST_TEST(refusal("synth:rcv1?n=5&n=6").ends_with("\"n\" is given twice"));
  BOOST_TEST(refusal("lyrl2004:").find("no directory") != std::string::npos);
  BOOST_TEST(refusal("lyrl2004:?topic=CCAT").find("no directory") != std::string::npos);
  BOOST_TEST(refusal("lyrl2004:d?topic=").find("topic must be the name") != std::string::npos);
  BOOST_TEST(refusal("lyrl2004:d?part=all").ends_with("part must be train or test"));
  BOOST_TEST(refusal("lyrl2004:d?seed=1").ends_with("is unknown; expected topic or part"));
  BOOST_TEST(refusal("lyrl2004:d?topic=A&topic=B").ends_with("\"topic\" is given twice"));
  BOOST_TEST(refusal(std::string_view("a\0b", 3)).find("no zero byte") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(part_that_is_left_open_is_the_default_of_the_place) {
  const auto source = parse_data_source("synth:rcv1?n=50");
  const auto train = load_data(*source, DataPart::kTrain, 2);
  const auto test = load_data(*source, DataPart::kTest, 2);
  BOOST_TEST_REQUIRE((train.has_value() && test.has_value()));
  BOOST_TEST(train->name == "synth:rcv1?n=50&seed=1&part=train");
  BOOST_TEST(test->name == "synth:rcv1?n=50&seed=1&part=test");
  BOOST_TEST(train->fingerprint != test->fingerprint);
  const auto named =
      load_data(*parse_data_source("synth:rcv1?n=50&part=test"), DataPart::kTrain, 1);
  BOOST_TEST(named->fingerprint == test->fingerprint);
}

BOOST_AUTO_TEST_CASE(file_is_loaded_by_its_path) {
  const TemporaryDirectory directory;
  const auto source = parse_data_source(directory.write("t.svm", "+1 1:0.5\n-1\n"));
  const auto dataset = load_data(*source, DataPart::kTrain, 1);
  BOOST_TEST_REQUIRE(dataset.has_value());
  BOOST_TEST(dataset->row_count() == 2U);
  BOOST_TEST(!load_data(*parse_data_source(directory.path("none")), DataPart::kTrain, 1));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
