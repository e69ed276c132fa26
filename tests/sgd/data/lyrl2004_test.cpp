#include "sgd/data/lyrl2004.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "sgd/data/dataset_builder.hpp"
#include "tests/sgd/data/datasets.hpp"
#include "tests/sgd/data/files.hpp"

namespace hogwild::sgd {
namespace {

/// A directory in the published form: two blanks behind the document, topics grouped by document.
class Rcv1Directory {
 public:
  Rcv1Directory() {
    write("rcv1-v2.topics.qrels",
          "E11 2286 1\nECAT 2286 1\nM11 2286 1\nMCAT 2286 1\nC24 2287 1\nCCAT 2287 1\n"
          "C15 26151 1\nCCAT 26151 1\nGCAT 26152 1\nCCAT 26153 1\nECAT 810596 1\n");
    write("lyrl2004_vectors_train.dat",
          "2286  864:0.0497399253756197 1523:0.044664135988103\n"
          "2287  7:0.1 47236:0.25\n");
    write("lyrl2004_vectors_test_pt0.dat", "26151  1:0.5 2:0.5\n");
    write("lyrl2004_vectors_test_pt1.dat", "26152  3:1\n");
    write("lyrl2004_vectors_test_pt2.dat", "26153  4:0.125\n");
    write("lyrl2004_vectors_test_pt3.dat", "810596  5:1\n");
  }

  void write(const std::string& name, std::string_view contents) const {
    (void)directory_.write(name, contents);
  }
  void remove(const std::string& name) const { std::filesystem::remove(directory_.path(name)); }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_.path(name); }

  [[nodiscard]] std::expected<Dataset, DataError> load(const std::string& topic, DataPart part,
                                                       unsigned threads = 2) const {
    const Lyrl2004Options options{.directory = directory_.path("."), .topic = topic, .part = part};
    DatasetBuilder builder;
    const auto fed = feed_lyrl2004(options, threads, nullptr, builder);
    if (!fed) return std::unexpected(fed.error());
    return std::move(builder).finish(options.name(), threads);
  }
  /// What is wrong with the training part, without the directory.
  [[nodiscard]] std::string refusal(const std::string& topic = "CCAT") const {
    const auto dataset = load(topic, DataPart::kTrain);
    if (dataset) return "loaded";
    const std::string message = dataset.error().message();
    return message.substr(directory_.path("./").size());
  }

 private:
  TemporaryDirectory directory_;
};

BOOST_AUTO_TEST_SUITE(lyrl2004)

BOOST_AUTO_TEST_CASE(four_test_files_are_the_training_part_in_their_order) {
  const Rcv1Directory directory;
  const auto dataset = directory.load("CCAT", DataPart::kTrain);
  BOOST_TEST_REQUIRE(dataset.has_value());
  BOOST_TEST(equal_contents(*dataset, parse_valid("+1 1:0.5 2:0.5\n-1 3:1\n+1 4:0.125\n-1 5:1\n")));
  BOOST_TEST(dataset->name == "lyrl2004:" + directory.path(".") + "?topic=CCAT&part=train");
}

BOOST_AUTO_TEST_CASE(training_file_is_the_test_part) {
  const Rcv1Directory directory;
  const auto dataset = directory.load("CCAT", DataPart::kTest);
  BOOST_TEST_REQUIRE(dataset.has_value());
  BOOST_TEST(
      equal_contents(*dataset, parse_valid("-1 864:0.0497399253756197 1523:0.044664135988103\n"
                                           "+1 7:0.1 47236:0.25\n")));
}

BOOST_AUTO_TEST_CASE(without_a_topic_labels_are_places_in_the_sorted_list_of_topics) {
  const Rcv1Directory directory;
  // C15 1, C24 2, CCAT 3, E11 4, ECAT 5, GCAT 6, M11 7, MCAT 8
  const auto test = directory.load("", DataPart::kTest);
  BOOST_TEST_REQUIRE(test.has_value());
  BOOST_TEST(
      equal_contents(*test, parse_valid("4,5,7,8 864:0.0497399253756197 1523:0.044664135988103\n"
                                        "2,3 7:0.1 47236:0.25\n")));
  const auto train = directory.load("", DataPart::kTrain);
  BOOST_TEST_REQUIRE(train.has_value());
  BOOST_TEST(equal_contents(*train, parse_valid("1,3 1:0.5 2:0.5\n6 3:1\n3 4:0.125\n5 5:1\n")));
}

BOOST_AUTO_TEST_CASE(packed_files_are_found_by_their_longer_names) {
  const Rcv1Directory plain;
  const Rcv1Directory packed;
  for (const char* name :
       {"rcv1-v2.topics.qrels", "lyrl2004_vectors_test_pt0.dat", "lyrl2004_vectors_test_pt3.dat"}) {
    std::ifstream file(packed.path(name), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    packed.write(std::string(name) + ".gz", gzip(text));
    packed.remove(name);
  }
  const auto dataset = packed.load("CCAT", DataPart::kTrain);
  BOOST_TEST_REQUIRE(dataset.has_value());
  BOOST_TEST(equal_contents(*dataset, *plain.load("CCAT", DataPart::kTrain)));
}

BOOST_AUTO_TEST_CASE(any_number_of_threads_reads_the_same) {
  const Rcv1Directory directory;
  std::string vectors;
  std::string qrels;
  for (int document = 30'000; document < 60'000; ++document) {
    vectors += std::to_string(document) + "  ";
    for (int k = 1; k <= 12; ++k) vectors += std::to_string(k * (document % 97 + 1)) + ":0.125 ";
    vectors += "\n";
  }
  for (int document = 59'999; document >= 30'000; --document) {
    qrels += (document % 3 == 0 ? "CCAT " : "GCAT ") + std::to_string(document) + " 1\n";
  }
  directory.write("lyrl2004_vectors_train.dat", vectors);
  directory.write("rcv1-v2.topics.qrels", qrels);  // documents in another order
  const auto one = directory.load("CCAT", DataPart::kTest, 1);
  BOOST_TEST_REQUIRE(one.has_value());
  BOOST_TEST(one->row_count() == 30'000U);
  BOOST_TEST(one->label[0] == 1.0F);
  BOOST_TEST(one->label[1] == -1.0F);
  BOOST_TEST(equal_contents(*one, *directory.load("CCAT", DataPart::kTest, 3)));
}

BOOST_AUTO_TEST_CASE(topic_that_is_not_there_is_refused_with_the_nearest) {
  const Rcv1Directory directory;
  BOOST_TEST(directory.refusal("ccats") ==
             "rcv1-v2.topics.qrels: no document has topic \"ccats\"; expected one of 8, such as "
             "CCAT, ECAT, GCAT");
}

BOOST_AUTO_TEST_CASE(document_without_a_topic_is_refused) {
  const Rcv1Directory directory;
  directory.write("lyrl2004_vectors_test_pt1.dat", "26152  3:1\n26154  3:1\n");
  BOOST_TEST(directory.refusal() ==
             "lyrl2004_vectors_test_pt1.dat:2:1: document 26154 has no topic in "
             "rcv1-v2.topics.qrels; expected every document there");
  directory.write("lyrl2004_vectors_test_pt1.dat", "16777215  3:1\n");
  BOOST_TEST(directory.refusal().find("document 16777215 has no topic") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bad_lines_are_refused_with_their_place) {
  struct BadLine {
    const char* file;
    const char* contents;
    const char* message;
  };
  const BadLine kBadLines[] = {
      {"lyrl2004_vectors_test_pt2.dat", "26153  4:x\n",
       ":1:10: found \"x\"; expected a finite number as the value of feature 4"},
      {"lyrl2004_vectors_test_pt2.dat", "26153  4:1\nspam  4:1\n",
       ":2:1: found \"spam\"; expected a document id (0 to 16777215)"},
      {"lyrl2004_vectors_test_pt2.dat", "26153  4:1\n4:1\n26153 5:x\n",
       ":2:1: found \"4:1\"; expected a document id (0 to 16777215)"},
      {"lyrl2004_vectors_test_pt2.dat", "26153  4:x\n4:1\n",
       ":1:10: found \"x\"; expected a finite number as the value of feature 4"},
      {"lyrl2004_vectors_test_pt2.dat", "16777216  4:1\n",
       ":1:1: found \"16777216\"; expected a document id (0 to 16777215)"},
      {"lyrl2004_vectors_test_pt2.dat", "-5  4:1\n",
       ":1:1: found \"-5\"; expected a document id (0 to 16777215)"},
      {"lyrl2004_vectors_test_pt2.dat", "1.5  4:1\n",
       ":1:1: found \"1.5\"; expected a document id (0 to 16777215)"},
      {"lyrl2004_vectors_test_pt2.dat", "26153,26152  4:1\n",
       ":1:1: found \"26153,26152\"; expected a document id (0 to 16777215)"},
      {"rcv1-v2.topics.qrels", "", ": no lines; expected TOPIC DID 1"},
      {"rcv1-v2.topics.qrels", "CCAT 1 1\n\nCCAT x 1\n",
       ":3:6: found \"x\"; expected a document id, as in TOPIC DID 1"},
      {"rcv1-v2.topics.qrels", "CCAT\n",
       ":1:5: found the end of the line; expected a document id, as in TOPIC DID 1"},
      {"rcv1-v2.topics.qrels", "CCAT 5 0\n", ":1:8: found \"0\"; expected 1, as in TOPIC DID 1"},
      {"rcv1-v2.topics.qrels", "CCAT 5 1 1\n",
       ":1:10: found \"1\"; expected the end of the line, as in TOPIC DID 1"},
  };
  for (const BadLine& bad : kBadLines) {
    const Rcv1Directory directory;
    directory.write(bad.file, bad.contents);
    BOOST_TEST(directory.refusal() == std::string(bad.file) + bad.message);
  }
}

BOOST_AUTO_TEST_CASE(missing_file_is_named) {
  for (const char* name : {"rcv1-v2.topics.qrels", "lyrl2004_vectors_test_pt3.dat"}) {
    const Rcv1Directory directory;
    directory.remove(name);
    BOOST_TEST(directory.refusal() ==
               std::string(name) + ": cannot be opened: No such file or directory");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hogwild::sgd
