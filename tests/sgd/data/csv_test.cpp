#include "sgd/data/csv.hpp"

#include <boost/test/unit_test.hpp>

namespace hogwild::sgd {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Read {
  Rows rows;
  std::string failure;  ///< empty where there is none
};

Read read_all(std::string_view text, char delimiter = ',') {
  CsvReader reader(text, "f", delimiter);
  Read all;
  RawRecord record;
  for (;;) {
    const auto read = reader.next(record);
    if (!read) {
      all.failure = read.error().message();
      return all;
    }
    if (!*read) return all;
    BOOST_TEST(record.fields.size() == record.places.size());
    all.rows.push_back(record.fields);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(csv)

BOOST_AUTO_TEST_CASE(fields_are_read_as_rfc_4180_writes_them) {
  const std::pair<std::string_view, Rows> cases[] = {
      {"", {}},
      {"\n\r\n", {}},
      {"a", {{"a"}}},
      {"a,b\nc,d\n", {{"a", "b"}, {"c", "d"}}},
      {"a,b\r\n,\r\nc,d", {{"a", "b"}, {"", ""}, {"c", "d"}}},
      {"\"a,b\",\"c\"\"d\"\n\"\",\" e \"", {{"a,b", "c\"d"}, {"", " e "}}},
      {"\"two\nlines\r\n\",x\n", {{"two\nlines\r\n", "x"}}},
      {"a\rb,c", {{"a\rb", "c"}}},
      {" a , b ", {{" a ", " b "}}},
      {"\"\"\"\",x", {{"\"", "x"}}},
  };
  for (const auto& [text, rows] : cases) {
    const Read read = read_all(text);
    BOOST_TEST(read.failure == "", text);
    BOOST_TEST((read.rows == rows), text);
  }
  BOOST_TEST((read_all("a;b,c;d", ';').rows == Rows{{"a", "b,c", "d"}}));
  BOOST_TEST((read_all("a\tb", '\t').rows == Rows{{"a", "b"}}));
}

BOOST_AUTO_TEST_CASE(each_fault_is_told_with_its_place) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"a,b\nc\n", "f:2:2: 1 fields; expected 2, as in the first record"},
      {"a,b\n\nc,d,e\n", "f:3:5: 3 fields; expected 2, as in the first record"},
      {"a,b\"c",
       "f:1:4: a quote inside a field; expected the whole field in quotes, and this one "
       "written twice"},
      {"a\n\"b\nc", "f:2:1: a quote that is never closed; expected another one behind the field"},
      {"\"x\ny\"z",
       "f:2:3: text behind the closing quote; expected the delimiter or the line's end"},
  };
  for (const auto& [text, failure] : cases) BOOST_TEST(read_all(text).failure == failure);
}

BOOST_AUTO_TEST_CASE(places_of_fields_count_the_lines_inside_of_others) {
  CsvReader reader("a,b\n\"1\n2\",3\n", "f", ',');
  RawRecord record;
  BOOST_TEST(reader.next(record).value());
  BOOST_TEST(reader.next(record).value());
  BOOST_TEST(record.places[0].line == 2U);
  BOOST_TEST(record.places[1].line == 3U);
  BOOST_TEST(record.places[1].column == 4U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace hogwild::sgd
