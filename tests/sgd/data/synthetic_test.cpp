#include "sgd/data/synthetic.hpp"

#include <openssl/evp.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <string_view>

#include "sgd/data/fingerprint.hpp"
#include "sgd/data/svmlight_writer.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/synthetic_rows.hpp"

namespace hogwild::sgd {
namespace {

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += kHex[byte >> 4U];
    text += kHex[byte & 15U];
  }
  return text;
}

std::string text_of(const Dataset& dataset) {
  std::string text;
  SvmlightWriter(dataset).append(0, dataset.row_count(), text);
  return text;
}

BOOST_AUTO_TEST_SUITE(synthetic)

BOOST_AUTO_TEST_CASE(first_thousand_training_rows_are_the_published_bytes) {
  const std::string text = text_of(synthetic_rows(1000));
  BOOST_TEST(text.size() == 1'176'040U);
  BOOST_TEST(sha256(text) == "d95985f75c478e9d161629b81d0a25ffc87d1d5ca3601ea54be1c177888d930f");
}

BOOST_AUTO_TEST_CASE(first_thousand_test_rows_are_the_published_bytes) {
  const std::string text = text_of(make_synthetic_rcv1({.rows = 1000, .part = DataPart::kTest}, 2));
  BOOST_TEST(sha256(text) == "e0ec334fef15f92232efd668a3c3905702cd38f644e26468f16c391391821c6c");
}

BOOST_AUTO_TEST_CASE(any_number_of_threads_makes_the_same_rows) {
  const Dataset one = make_synthetic_rcv1({.rows = 5000, .seed = 7}, 1);
  for (const unsigned threads : {2U, 7U}) {
    BOOST_TEST(equal_contents(one, make_synthetic_rcv1({.rows = 5000, .seed = 7}, threads)),
               threads);
  }
  BOOST_TEST(one.fingerprint == fingerprint_of(one));
}

BOOST_AUTO_TEST_CASE(rows_are_what_their_text_parses_to) {
  const Dataset made = make_synthetic_rcv1({.rows = 5000, .seed = 3}, 2);
  BOOST_TEST(equal_contents(parse_valid(text_of(made), 2), made));
}

BOOST_AUTO_TEST_CASE(larger_set_begins_with_the_smaller) {
  const Dataset small = make_synthetic_rcv1({.rows = 300}, 2);
  BOOST_TEST((text_of(synthetic_rows(1000)).starts_with(text_of(small))));
}

BOOST_AUTO_TEST_CASE(seed_makes_another_set) {
  BOOST_TEST(make_synthetic_rcv1({.rows = 1000, .seed = 2}, 1).fingerprint !=
             synthetic_rows(1000).fingerprint);
}

BOOST_AUTO_TEST_CASE(rows_have_length_one_and_the_published_shape) {
  const Dataset& dataset = synthetic_rows(20'000);
  double positive = 0.0;
  for (std::size_t row = 0; row < dataset.row_count(); ++row) {
    double square = 0.0;
    for (const float value : dataset.rows.values(row)) {
      square += static_cast<double>(value) * static_cast<double>(value);
    }
    BOOST_TEST_REQUIRE(std::abs(square - 1.0) < 1e-5);
    positive += dataset.label[row] > 0 ? 1.0 : 0.0;
  }
  const double rows = static_cast<double>(dataset.row_count());
  BOOST_TEST(std::abs(static_cast<double>(dataset.rows.nonzero_count()) / rows - 75.8) < 1.0);
  BOOST_TEST(std::abs(positive / rows - 0.477) < 0.01);
  BOOST_TEST(dataset.feature_count <= 47'236U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
