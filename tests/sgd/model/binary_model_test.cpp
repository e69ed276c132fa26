#include "sgd/model/binary_model.hpp"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sgd/data/mix64.hpp"
#include "tests/sgd/model/dense_model.hpp"

namespace hogwild::sgd {
namespace {

/// Models of each kind, their weights drawn from all finite numbers, three quarters of them 0.
std::vector<LinearModel> models_of_each_kind() {
  std::mt19937_64 random(19);
  std::vector<LinearModel> models{
      {.loss = Loss::kHinge, .labels = {1.0F, -1.0F}},
      {.loss = Loss::kLogistic, .labels = {-3.5F, 7.0F}},
      {.loss = std::nullopt, .labels = {2.0F, 1.0F}},
      {.loss = Loss::kHinge, .labels = {5.0F, 1.0F, 3.0F}},
      {.loss = Loss::kLogistic, .labels = {1.0F, 2.0F}, .is_multilabel = true},
      {.labels = {9.0F, 1.0F, 4.0F, 2.0F, 0.5F}, .is_multilabel = true},
  };
  const std::size_t kinds = models.size();
  for (std::size_t i = 0; i < kinds; ++i) {
    LinearModel with = models[i];
    with.intercept.assign(with.column_count(), 0.125);
    models.push_back(std::move(with));
  }
  for (std::size_t i = 0; i < kinds; ++i) {
    LinearModel with = models[i];
    for (std::uint32_t c = 0; c < with.column_count(); ++c) {
      with.sigmoids.push_back({.slope = -1.5 - c, .offset = 0.25 * c});
    }
    with.recipe = "hogwild recipe 1\ntexts 3\n";
    models.push_back(std::move(with));
  }
  for (LinearModel& model : models) {
    while (model.weight.size() < std::size_t{64} * model.column_count() + model.column_count()) {
      const auto weight = std::bit_cast<double>(random());
      model.weight.push_back(std::isfinite(weight) && random() % 4 == 0 ? weight : 0.0);
    }
    model = dense(std::move(model));
  }
  models.push_back({.intercept = {2.5}});  // no features
  LinearModel wide{.feature_count = 0x7fffffff};
  for (const std::uint32_t feature : {0U, 127U, 256U, 16'640U, 3'000'000U, 0x7ffffffeU}) {
    wide.add_feature(feature, std::vector{1.0 + feature});
  }
  models.push_back(std::move(wide));
  return models;
}

std::string refusal(const std::string& bytes) {
  const auto model = parse_binary(bytes, "m");
  return model ? "accepted" : model.error().message();
}

/// Makes the checksum right again: that of binary_model.hpp, written once more.
std::string signed_again(std::string bytes) {
  std::string content = bytes.substr(0, bytes.size() - 8);
  std::uint64_t sum = mix64(content.size());
  std::string padded = content;
  padded.resize((padded.size() + 7) / 8 * 8);
  for (std::size_t at = 0; at < padded.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, padded.data() + at, 8);
    sum = mix64(sum + word);
  }
  content.append(reinterpret_cast<const char*>(&sum), 8);
  return content;
}

/// `bytes` with the 32 bits of field `index` of the head changed, and signed.
std::string with_head(std::string bytes, std::size_t index, std::uint32_t value) {
  std::memcpy(bytes.data() + 8 + index * 4, &value, 4);
  return signed_again(std::move(bytes));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(binary_model)

BOOST_AUTO_TEST_CASE(each_kind_of_model_comes_back_to_the_bit) {
  for (const LinearModel& model : models_of_each_kind()) {
    const std::string bytes = to_binary(model);
    BOOST_TEST(looks_binary(bytes));
    const auto back = parse_binary(bytes, "m");
    BOOST_TEST_REQUIRE(back.has_value());
    BOOST_TEST((*back == model));
    // To the bit: −0 is not 0 there.
    BOOST_TEST(std::equal(back->weight.begin(), back->weight.end(), model.weight.begin(),
                          model.weight.end(), [](double a, double b) {
                            return std::bit_cast<std::uint64_t>(a) ==
                                   std::bit_cast<std::uint64_t>(b);
                          }));
    BOOST_TEST(to_binary(*back) == bytes);
  }
}

BOOST_AUTO_TEST_CASE(a_file_takes_a_byte_a_feature_a_bit_a_cell_and_eight_bytes_a_weight) {
  LinearModel model{.weight = std::vector<double>(64'000)};
  const std::size_t empty = to_binary(dense(model)).size();
  BOOST_TEST(empty == 8U + 32 + 2 * 4 + 8);
  for (std::size_t i = 0; i < 64'000; i += 100) model.weight[i] = 1.0;
  BOOST_TEST(to_binary(dense(model)).size() == empty + 640 + 640 / 8 + 640 * 8);
}

BOOST_AUTO_TEST_CASE(a_form_of_today_is_read_for_ever) {
  // Written by hand from the description of the form; the checksum by the code.
  const std::string bytes = signed_again(std::string("\x89HWM\r\n\x1a\n", 8) +
                                         std::string("\1\0\0\0\4\3\2\1\0\0\0\0\0\0\0\0", 16) +
                                         std::string("\2\0\0\0\1\0\0\0\3\0\0\0\2\0\0\0", 16) +
                                         std::string("\0\0\x80\x3f\0\0\x80\xbf", 8) +  // 1, −1
                                         std::string("\0\1", 2) +                      // ids 1, 3
                                         std::string("\3\0\0\0\0\0\0\0", 8) +          // both
                                         std::string("\0\0\0\0\0\0\xe0\x3f", 8) +      // 0.5
                                         std::string("\0\0\0\0\0\0\0\xc0", 8) +        // −2
                                         std::string(8, '\0'));
  const auto model = parse_binary(bytes, "m");
  BOOST_TEST_REQUIRE(model.has_value());
  BOOST_TEST((*model == dense({.loss = Loss::kHinge, .weight = {0.5, 0.0, -2.0}})));
  BOOST_TEST(to_binary(*model) == bytes);
  std::uint64_t sum = 0;
  std::memcpy(&sum, bytes.data() + bytes.size() - 8, 8);
  BOOST_TEST(sum == 0xb0fe0b4d66ec9443U);
}

BOOST_AUTO_TEST_CASE(each_truncation_and_each_changed_byte_is_refused) {
  for (const LinearModel& model : models_of_each_kind()) {
    const std::string bytes = to_binary(model);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      BOOST_TEST_REQUIRE(!parse_binary(bytes.substr(0, size), "m").has_value(), size);
    }
    BOOST_TEST(!parse_binary(bytes + '\0', "m").has_value());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const int change : {1, 0x80, 0xff}) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ change);
        BOOST_TEST_REQUIRE(!parse_binary(changed, "m").has_value(), at);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_made_to_deceive_gives_a_model_that_can_be_or_none) {
  std::mt19937_64 random(23);
  int accepted = 0;
  for (const LinearModel& model : models_of_each_kind()) {
    const std::string bytes = to_binary(model);
    for (int round = 0; round < 4'000; ++round) {
      std::string changed = bytes;
      // The head decides about sizes: it is hit as often as all the rest.
      const std::size_t end = round % 2 == 0 ? 48 : changed.size() - 8;
      for (auto k = random() % 3 + 1; k > 0; --k) {
        changed[8 + random() % (end - 8)] = static_cast<char>(random());
      }
      if (random() % 4 == 0) changed.resize(48 + random() % (changed.size() - 47));
      const auto read = parse_binary(signed_again(changed), "m");
      if (!read) continue;
      ++accepted;
      BOOST_TEST_REQUIRE(read->weight.size() <= 64 * changed.size());
      BOOST_TEST_REQUIRE(
          (read->column_count() == 1 || read->column_count() == read->labels.size()));
      BOOST_TEST_REQUIRE(
          (read->intercept.empty() || read->intercept.size() == read->column_count()));
      BOOST_TEST_REQUIRE(to_binary(*read) == signed_again(changed));
    }
  }
  BOOST_TEST(accepted > 100);  // or nothing behind the checksum was tried
}

BOOST_AUTO_TEST_CASE(each_refusal_says_why) {
  const LinearModel model =
      dense({.labels = {1.0F, 2.0F, 3.0F}, .weight = {1, 0, 0, 0, 5, 0}, .intercept = {1, 2, 3}});
  const std::string bytes = to_binary(model);
  const std::string not_whole = "m: not a whole model of this program: ";
  struct Bad {
    std::string bytes;
    std::string reason;
  };
  std::string wrong_labels = bytes;
  std::memcpy(wrong_labels.data() + 44, wrong_labels.data() + 40, 4);
  std::string no_number = bytes;
  const double nan = std::nan("");
  std::memcpy(no_number.data() + no_number.size() - 16, &nan, 8);
  std::string behind = bytes;
  behind[8 + 32 + 12 + 24 + 2 + 7] = 1;
  std::string zero = bytes;
  std::memset(zero.data() + zero.size() - 16, 0, 8);
  std::string long_gap = bytes;
  std::memset(long_gap.data() + 8 + 32 + 12 + 24, 0xff, 2);
  for (const Bad& bad : {
           Bad{"", "the first bytes are others"},
           {"\x89HWM\n\x1a\n", "the first bytes are others"},
           {bytes.substr(0, 40), "the file ends early"},
           {bytes.substr(0, bytes.size() - 1),
            "the checksum is wrong: the file was cut short or changed"},
           {with_head(bytes, 0, 2), "version 2 of the form; expected version 1"},
           {with_head(bytes, 1, 0x04030201), "written on a machine of the other byte order"},
           {with_head(bytes, 2, 16), "unknown flags"},
           {with_head(bytes, 3, 3), "an unknown loss 3"},
           {with_head(bytes, 4, 1), "1 labels; expected from 2 to 65536"},
           {with_head(bytes, 4, 70'000), "70000 labels; expected from 2 to 65536"},
           {with_head(bytes, 5, 2), "2 columns for 3 labels"},
           {with_head(bytes, 5, 1), "1 columns for 3 labels"},
           {with_head(bytes, 6, 0x80000000), "more than 2147483647 ids"},
           {with_head(bytes, 7, 0x7fffffff), "the file ends early"},
           {with_head(bytes, 6, 1), "ids that do not ascend to the largest one"},
           {signed_again(long_gap), "ids that do not ascend to the largest one"},
           {signed_again(zero), "weights that are zero"},
           {signed_again(wrong_labels), "labels that are not different numbers"},
           {signed_again(no_number), "weights that are not finite"},
           {signed_again(behind), "weights behind the last feature"},
           {signed_again(bytes + std::string(8, '\0')), "8 bytes too many"},
       }) {
    BOOST_TEST(refusal(bad.bytes) == not_whole + bad.reason);
  }
}

BOOST_AUTO_TEST_CASE(text_does_not_look_binary) {
  BOOST_TEST(!looks_binary("solver_type L2R_LR\n"));
  BOOST_TEST(!looks_binary(""));
  BOOST_TEST(!looks_binary("\xef\xbb\xbfsolver_type"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
