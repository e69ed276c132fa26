#include "daemon/measures_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>

#include "sgd/data/labels.hpp"

namespace hogwild::daemon {
namespace {

namespace json = boost::json;

/// Classes whose tables are printed; more do not fit a screen.
constexpr std::size_t kMostPrinted = 12;
/// Labels that are listed one by one in JSON.
constexpr std::size_t kMostListed = 1000;
/// Letters of a label in a table.
constexpr std::size_t kLabelWidth = 9;

json::value number(double value) {
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

/// A label as JSON has numbers: whole ones without a point.
json::value label_value(float label) {
  const auto whole = static_cast<std::int64_t>(label);
  return static_cast<float>(whole) == label ? json::value(whole) : json::value(label);
}

std::string figure(double value) {
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : std::string("-");
}

std::size_t most_frequent(const sgd::Measures& measures) {
  const auto by_rows = [](const sgd::LabelCounts& a, const sgd::LabelCounts& b) {
    return a.actual < b.actual;
  };
  return static_cast<std::size_t>(
      std::max_element(measures.labels.begin(), measures.labels.end(), by_rows) -
      measures.labels.begin());
}

std::string label_table(const sgd::Measures& measures, std::span<const float> labels) {
  std::string text = fmt::format("{:>{}} {:>10} {:>10} {:>9} {:>9} {:>9}\n",
                                 measures.is_multilabel ? "label" : "class", kLabelWidth, "rows",
                                 "predicted", "precision", "recall", "F1");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const sgd::LabelCounts& counts = measures.labels[i];
    text += fmt::format("{:>{}} {:>10} {:>10} {:>9.4f} {:>9.4f} {:>9.4f}\n",
                        sgd::label_text(labels[i]), kLabelWidth, counts.actual, counts.predicted,
                        sgd::precision_of(counts), sgd::recall_of(counts), sgd::f1_of(counts));
  }
  return text;
}

/// Rows are what is true, columns what was said.
std::string confusion_table(const sgd::Measures& measures, std::span<const float> labels) {
  std::string text = fmt::format("{:>{}}", "true/said", kLabelWidth);
  for (const float label : labels) text += fmt::format(" {:>9}", sgd::label_text(label));
  text += '\n';
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += fmt::format("{:>{}}", sgd::label_text(labels[i]), kLabelWidth);
    for (std::size_t j = 0; j < labels.size(); ++j) {
      text += fmt::format(" {:>9}", measures.confusion[i * labels.size() + j]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

json::object measures_json(const sgd::Measures& measures, std::span<const float> labels) {
  json::object object;
  object["rows"] = measures.rows;
  if (!measures.is_multilabel) {
    object["majority_accuracy"] = number(measures.majority_accuracy());
    object["balanced_accuracy"] = number(measures.balanced_accuracy());
  }
  if (!measures.is_multilabel && measures.labels.size() == 2) {
    const sgd::LabelCounts& positive = measures.labels[1];
    object["positive"] = label_value(labels[1]);
    object["precision"] = sgd::precision_of(positive);
    object["recall"] = sgd::recall_of(positive);
    object["f1"] = sgd::f1_of(positive);
    object["roc_auc"] = number(measures.roc_auc);
  }
  object["log_loss"] = number(measures.log_loss);
  const sgd::F1Scores f1 = sgd::f1_of(measures.labels);
  object["macro_precision"] = measures.macro_precision();
  object["macro_recall"] = measures.macro_recall();
  object["macro_f1"] = f1.macro;
  object["micro_f1"] = f1.micro;
  json::array each;
  for (std::size_t i = 0; i < std::min(measures.labels.size(), kMostListed); ++i) {
    const sgd::LabelCounts& counts = measures.labels[i];
    each.push_back(json::object{{"label", label_value(labels[i])},
                                {"rows", counts.actual},
                                {"predicted", counts.predicted},
                                {"precision", sgd::precision_of(counts)},
                                {"recall", sgd::recall_of(counts)},
                                {"f1", sgd::f1_of(counts)}});
  }
  object["labels"] = std::move(each);
  if (!measures.confusion.empty()) {
    json::array table;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto row = std::span(measures.confusion).subspan(i * labels.size(), labels.size());
      table.push_back(json::array(row.begin(), row.end()));
    }
    object["confusion"] = std::move(table);
  }
  return object;
}

std::string measures_text(const sgd::Measures& measures, std::span<const float> labels) {
  if (measures.rows == 0) return {};
  std::string text;
  if (labels.size() <= kMostPrinted) text += label_table(measures, labels);
  if (measures.is_multilabel) {
    text += fmt::format("macro precision {:.4f}, macro recall {:.4f}", measures.macro_precision(),
                        measures.macro_recall());
  } else {
    if (labels.size() <= kMostPrinted) text += confusion_table(measures, labels);
    text += fmt::format("balanced accuracy {:.2f}%; saying always {} would be right on {:.2f}%",
                        100 * measures.balanced_accuracy(),
                        sgd::label_text(labels[most_frequent(measures)]),
                        100 * measures.majority_accuracy());
    if (labels.size() > 2) {
      text += fmt::format("; macro-F1 {:.4f}", sgd::f1_of(measures.labels).macro);
    } else {
      text += "; ROC AUC " + figure(measures.roc_auc);
    }
  }
  if (std::isfinite(measures.log_loss)) text += "; log loss " + figure(measures.log_loss);
  return text + "\n";
}

}  // namespace hogwild::daemon
