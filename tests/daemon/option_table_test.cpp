#include "daemon/option_table.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "daemon/help_text.hpp"

namespace hogwild::daemon {
namespace {

BOOST_AUTO_TEST_SUITE(option_table_rows)

BOOST_AUTO_TEST_CASE(names_are_unique_and_spelled_as_flags) {
  std::set<std::string_view> names;
  for (const auto& option : option_table()) {
    BOOST_TEST(names.insert(option.name).second, option.name);
    BOOST_TEST(std::ranges::all_of(option.name, [](char c) {
      return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    }));
    BOOST_TEST(option.commands != 0U, option.name);
  }
}

BOOST_AUTO_TEST_CASE(every_default_is_a_value_that_the_option_takes) {
  for (const auto& option : option_table()) {
    if (option.standard.empty()) continue;
    OptionValues values;
    BOOST_TEST(option.set(option, option.standard, values).has_value(), option.name);
  }
}

BOOST_AUTO_TEST_CASE(an_option_that_is_there_says_what_it_does_and_what_happens_without_it) {
  for (const auto& option : option_table()) {
    BOOST_TEST_REQUIRE(option.set != nullptr, option.name);
    BOOST_TEST(option.meaning.ends_with('.'), option.name);
    BOOST_TEST((!option.standard.empty() || !option.otherwise.empty() ||
                option.required_by == option.commands),
               option.name);
    BOOST_TEST((option.required_by & ~option.commands) == 0U, option.name);
  }
}

BOOST_AUTO_TEST_CASE(ranges_are_printed_in_the_unit_of_the_option) {
  BOOST_TEST(range_text(*find_option("lambda")) == "0 to 1000");
  BOOST_TEST(range_text(*find_option("epochs")) == "above 0, up to 1000000");
  BOOST_TEST(range_text(*find_option("features")) == "1 to 2147483647");
  BOOST_TEST(range_text(*find_option("updates")) == "1 or more");
  BOOST_TEST(range_text(*find_option("loss-interval")) == "1ms to 24h");
  BOOST_TEST(range_text(*find_option("bandwidth")) == "100kbit to 1000Gbit");
  BOOST_TEST(range_text(*find_option("name")).empty());
}

BOOST_AUTO_TEST_CASE(environment_keys_are_the_names_in_capitals) {
  BOOST_TEST(environment_key("max-time") == "HOGWILD_MAX_TIME");
  BOOST_TEST(environment_key("l1") == "HOGWILD_L1");
}

BOOST_AUTO_TEST_CASE(help_shows_the_options_of_the_command_and_no_other) {
  for (const auto& command : command_table()) {
    const auto help = command_help(command);
    for (const auto& option : option_table()) {
      const auto head = "\n  --" + std::string(option.name) + (option.is_switch() ? "" : " ");
      const bool is_shown = help.find(head) != std::string::npos;
      BOOST_TEST(is_shown == option.belongs_to(command.command), option.name);
    }
    BOOST_TEST(general_help().find("\n  " + std::string(command.words)) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(help_fits_a_terminal) {
  for (const auto& command : command_table()) {
    const auto help = command_help(command) + general_help();
    for (std::size_t begin = 0; begin < help.size();) {
      const auto end = help.find('\n', begin);
      BOOST_TEST_REQUIRE(end != std::string::npos);
      BOOST_TEST(end - begin <= 96U, help.substr(begin, end - begin));
      begin = end + 1;
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::daemon
