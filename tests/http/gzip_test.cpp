#include "http/gzip.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

#include "http/assets.hpp"
#include "tests/http/inflated.hpp"

namespace hogwild::http {
namespace {

BOOST_AUTO_TEST_SUITE(gzip_and_assets)

BOOST_AUTO_TEST_CASE(packed_bytes_of_any_size_come_back) {
  std::mt19937 random(1);
  for (const std::size_t size : {0, 1, 4095, 4096, 4097, 100'000, 3'000'000}) {
    std::string noise(size, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    BOOST_TEST((inflated(gzip(noise)) == noise), size);
    const std::string zeros(size, '0');
    const std::string packed = gzip(zeros);
    BOOST_TEST((inflated(packed) == zeros), size);
    BOOST_TEST(packed.size() < size / 100 + 64);
  }
}

BOOST_AUTO_TEST_CASE(embedded_files_are_the_same_in_both_forms) {
  for (const char* name :
       {"index.html", "page.css", "page.js", "chart.min.js", "icon.svg", "openapi.json"}) {
    const auto* asset = find_asset(name);
    BOOST_TEST_REQUIRE(asset != nullptr, name);
    BOOST_TEST(!asset->plain.empty(), name);
    BOOST_TEST((inflated(asset->packed) == asset->plain), name);
  }
  BOOST_TEST(find_asset("embed.py") == nullptr);
  BOOST_TEST(find_asset("") == nullptr);
}

// The policy of the page allows nothing else, and a machine without the internet has nothing else.
BOOST_AUTO_TEST_CASE(page_names_no_other_site) {
  for (const char* name : {"index.html", "page.css"}) {
    const auto text = find_asset(name)->plain;
    BOOST_TEST(text.find("//") == std::string_view::npos, name);
    BOOST_TEST(text.find("style=") == std::string_view::npos, name);
    BOOST_TEST(text.find("onclick") == std::string_view::npos, name);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
