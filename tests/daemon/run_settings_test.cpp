#include "daemon/run_settings.hpp"

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "http/status_value.hpp"

namespace hogwild::daemon {
namespace {

namespace json = boost::json;

json::object shown(const sgd::RunSettings& settings) {
  return http::to_value(run_settings(settings)).at("settings").as_object();
}

BOOST_AUTO_TEST_SUITE(run_settings_test)

BOOST_AUTO_TEST_CASE(truths_are_truths_and_numbers_are_numbers) {
  sgd::RunSettings run;
  run.lambda = {1e-4};
  run.bias = true;
  run.epochs = 2.5;
  run.updates = 1000;
  run.expect = 4;
  const json::object settings = shown(run);
  BOOST_TEST(settings.at("bias") == json::value(true));
  BOOST_TEST(settings.at("shard") == json::value(false));
  BOOST_TEST(settings.at("lambda") == json::value(1e-4));
  BOOST_TEST(settings.at("epochs") == json::value(2.5));
  BOOST_TEST(settings.at("updates") == json::value(1000));
  BOOST_TEST(settings.at("expect") == json::value(4));
  BOOST_TEST(settings.at("loss") == json::value("hinge"));
}

BOOST_AUTO_TEST_CASE(what_is_not_set_is_null_and_not_0) {
  const json::object settings = shown({});
  for (const char* const name : {"epochs", "max-time", "updates", "min-loss", "class-weight",
                                 "init", "recipe", "train", "test"}) {
    BOOST_TEST_INFO(name);
    BOOST_TEST(settings.at(name).is_null());
  }
  BOOST_TEST(settings.at("early-stopping") == json::value(0));  // as --early-stopping 0
  BOOST_TEST(settings.at("l1") == json::value(0));
}

BOOST_AUTO_TEST_CASE(times_have_their_unit) {
  sgd::RunSettings run;
  run.max_time_s = 12;
  run.broadcast_interval = {true, 200};
  const json::object settings = shown(run);
  BOOST_TEST(settings.at("max-time") == json::value("12s"));
  BOOST_TEST(settings.at("loss-interval") == json::value("1s"));
  BOOST_TEST(settings.at("broadcast-interval") == json::value("200i"));
}

BOOST_AUTO_TEST_CASE(a_seed_and_digests_are_text_however_they_look) {
  sgd::RunSettings run;
  run.init = "1234567890123456";
  run.seed = ~std::uint64_t{0};
  run.recipe = "0000000000000012";
  const json::object settings = shown(run);
  BOOST_TEST(settings.at("seed") == json::value("18446744073709551615"));
  BOOST_TEST(settings.at("init") == json::value("1234567890123456"));
  BOOST_TEST(settings.at("recipe") == json::value("0000000000000012"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
