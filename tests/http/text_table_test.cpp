#include "http/text_table.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>

namespace hogwild::http {
namespace {

BOOST_AUTO_TEST_SUITE(text_tables)

BOOST_AUTO_TEST_CASE(columns_of_numbers_alone_align_to_the_right) {
  TextTable table({"name", "updates"});
  table.add({"a", "5"});
  table.add({"b", ""});
  table.add({"node-10", "12345678"});
  BOOST_TEST(table.text() ==
             "name      updates\n"
             "a               5\n"
             "b               -\n"
             "node-10  12345678\n");
}

BOOST_AUTO_TEST_CASE(empty_cell_is_a_dash_and_lines_end_without_blanks) {
  TextTable table;
  table.add({"long name", "x"});
  table.add({"b", ""});
  table.add({"c"});
  BOOST_TEST(table.text() ==
             "long name  x\n"
             "b          -\n"
             "c\n");
}

BOOST_AUTO_TEST_CASE(width_counts_characters_not_bytes) {
  TextTable table;
  table.add({"\xc3\xa9\xc3\xa9", "x"});
  table.add({"abc", "y"});
  BOOST_TEST(table.text() == "\xc3\xa9\xc3\xa9   x\nabc  y\n");
}

BOOST_AUTO_TEST_CASE(terminal_commands_in_names_are_defused) {
  BOOST_TEST(printable("a\x1b[31m\r\n\x7f") == "a?[31m???");
  BOOST_TEST(printable("\xc2\x9b"
                       "2J") == "?2J");  // U+009B begins a command too.
  BOOST_TEST(printable("caf\xc3\xa9 \xc2\xa0") == "caf\xc3\xa9 \xc2\xa0");
}

BOOST_AUTO_TEST_CASE(no_random_bytes_leave_a_control_character) {
  std::mt19937 random(3);
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes(random() % 12, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::string text = printable(bytes);
    for (std::size_t at = 0; at < text.size(); ++at) {
      const auto byte = static_cast<unsigned char>(text[at]);
      BOOST_TEST_REQUIRE(byte >= 0x20);
      BOOST_TEST_REQUIRE(byte != 0x7f);
    }
  }
}

BOOST_AUTO_TEST_CASE(numbers_for_people_have_six_digits_and_no_exponent) {
  BOOST_TEST(rounded_text(0.123456789) == "0.123457");
  BOOST_TEST(rounded_text(1234567.8) == "1234568");
  BOOST_TEST(rounded_text(99999.5) == "99999.5");
  BOOST_TEST(rounded_text(std::nan("")) == "-");
  BOOST_TEST(rounded_text(0) == "0");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::http
