"""Several classes and several labels, on one machine and across nodes."""

import json
import random
import re
import subprocess
import unittest

from swarm import SHARED_DATA, SwarmTest, needs_tool, run

LABELS = [3, 17, 4, 100000, 9]
REUTERS = [SHARED_DATA / f"reuters21578.ml.{part}.svm.gz" for part in ["train", "test"]]


def made_rows(count, seed, is_multilabel):
    """Rows that words of each label give away: 20 words a label, 100 that say nothing, one label in ten wrong."""
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        most = 3 if is_multilabel else 1
        chosen = draw.sample(LABELS, draw.randint(0 if is_multilabel else 1, most))
        ids = {101 + 20 * LABELS.index(label) + draw.randrange(20) for label in chosen for _ in range(4)}
        ids |= {1 + draw.randrange(100) for _ in range(8)}
        if chosen and draw.random() < 0.1:
            chosen[0] = draw.choice([label for label in LABELS if label not in chosen])
        lines.append(",".join(map(str, chosen)) + "".join(f" {i}:0.3" for i in sorted(ids)) + "\n")
    return "".join(lines)


class LabelTest(SwarmTest):

    def write_rows(self, is_multilabel):
        """Paths of a training and a test set."""
        paths = [self.directory / name for name in ["train.svm", "test.svm"]]
        paths[0].write_text(made_rows(4000, 1, is_multilabel))
        paths[1].write_text(made_rows(1000, 2, is_multilabel))
        return paths

    def train(self, train, test, *arguments):
        report = self.directory / "report.json"
        ended = run("train", "--train", train, "--test", test, "--report", report, *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return json.loads(report.read_text())

    def predict(self, model, rows, *arguments):
        """Lines, and what is said on standard error."""
        ended = run("predict", "--model", model, "--data", rows, *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout.splitlines(), ended.stderr

    def liblinear_labels(self, model, rows):
        labels = self.directory / "liblinear"
        subprocess.run(["liblinear-predict", rows, model, labels], check=True, capture_output=True, timeout=60)
        return labels.read_text().split()


class Classes(LabelTest):

    def test_a_model_of_five_classes_is_trained_and_used(self):
        train, test = self.write_rows(is_multilabel=False)
        models = [self.directory / name for name in ["m", "m.bin"]]
        for model in models:
            facts = self.train(train, test, "--seed", "1", "--threads", "1", "--model", model)
        self.assertEqual((facts["labels"], facts["multilabel"]), (5, False))
        self.assertGreater(facts["test_accuracy"], 0.85)
        self.assertNotIn("micro_f1", facts)
        told = [self.predict(model, test, "--scores") for model in models]
        self.assertEqual(told[0], told[1])
        lines, said = told[0]
        self.assertAlmostEqual(float(re.search(r"accuracy ([\d.]+)%", said).group(1)) / 100, facts["test_accuracy"], places=5)
        for line in lines:
            label, *scores = line.split()
            scores = dict(score.split(":") for score in scores)
            self.assertEqual(list(scores), sorted(map(str, LABELS), key=int))
            self.assertEqual(label, max(scores, key=lambda key: float(scores[key])))

    @needs_tool("liblinear-predict")
    def test_liblinear_agrees(self):
        train, test = self.write_rows(is_multilabel=False)
        model = self.directory / "m"
        for bias in [[], ["--bias"]]:
            self.train(train, test, "--model", model, *bias)
            self.assertEqual(self.predict(model, test)[0], self.liblinear_labels(model, test))

    def test_a_class_that_training_never_had_is_wrong(self):
        train, test = self.write_rows(is_multilabel=False)
        rows = test.read_text().splitlines(keepends=True)
        whole = self.train(train, test, "--seed", "1", "--threads", "1")
        test.write_text("".join(rows) + "5" + rows[0][rows[0].index(" "):])
        more = self.train(train, test, "--seed", "1", "--threads", "1")
        self.assertAlmostEqual(more["test_accuracy"], whole["test_accuracy"] * 1000 / 1001)
        test.write_text("5 1:1\n")
        ended = run("train", "--train", train, "--test", test)
        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertIn("test.svm:1:1", ended.stderr)

    def test_nodes_end_with_one_model(self):
        train, test = self.write_rows(is_multilabel=False)
        arguments = ["--train", train, "--test", test, "--expect", "2", "--epochs", "5", "--bias"]
        first = self.start("node-1", *arguments)
        second = self.start("node-2", *arguments, "--join", first.gossip)
        report = self.assert_same_result([first, second])
        self.assertEqual((report["run"]["labels"], report["run"]["multilabel"]), (5, False))
        self.assertNotIn("micro_f1", report["result"])
        said = self.predict(first.out / "model.liblinear", test)[1]
        self.assertIn(f"accuracy {100 * report['result']['test_accuracy']:.4f}%", said)
        rows = (first.out / "weights.csv").read_text().splitlines()
        self.assertEqual(rows[0], "id,weight,label")
        self.assertEqual({row.split(",")[2] for row in rows[1:]}, set(map(str, LABELS)))


class LabelSets(LabelTest):

    def test_a_multilabel_model_is_trained_and_used(self):
        train, test = self.write_rows(is_multilabel=True)
        models = [self.directory / name for name in ["m", "m.bin"]]
        for model in models:
            facts = self.train(train, test, "--seed", "1", "--threads", "1", "--model", model)
        self.assertEqual((facts["labels"], facts["multilabel"], facts["unknown_test_labels"]), (5, True, 0))
        self.assertGreater(facts["micro_f1"], 0.85)
        self.assertGreater(facts["macro_f1"], 0.85)
        told = [self.predict(model, test) for model in models]
        self.assertEqual(told[0], told[1])
        lines, said = told[0]
        # F1 once more, from the lines alone.
        counts = {str(label): [0, 0, 0] for label in LABELS}
        right = 0
        for line, row in zip(lines, test.read_text().splitlines(), strict=True):
            predicted, actual = ({label for label in text.split(" ")[0].split(",") if label} for text in [line, row])
            right += predicted == actual
            for label in counts:
                both = label in predicted and label in actual
                counts[label] = [a + b for a, b in zip(counts[label], [both, label in predicted, label in actual])]
        macro = sum(2 * both / (predicted + actual) for both, predicted, actual in counts.values()) / len(LABELS)
        both, predicted, actual = (sum(column) for column in zip(*counts.values()))
        self.assertAlmostEqual(facts["micro_f1"], 2 * both / (predicted + actual), places=12)
        self.assertAlmostEqual(facts["macro_f1"], macro, places=12)
        self.assertAlmostEqual(facts["test_accuracy"], right / 1000, places=12)
        self.assertIn(f"micro-F1 {facts['micro_f1']:.4f}, macro-F1 {facts['macro_f1']:.4f}", said)

    def test_nodes_end_with_one_model_and_its_scores(self):
        train, test = self.write_rows(is_multilabel=True)
        arguments = ["--train", train, "--test", test, "--expect", "3", "--epochs", "5", "--bias"]
        first = self.start("node-1", *arguments)
        others = [self.start(f"node-{i}", *arguments, "--join", first.gossip) for i in [2, 3]]
        report = self.assert_same_result([first, *others], accuracy=0.5)
        self.assertEqual((report["run"]["labels"], report["run"]["multilabel"]), (5, True))
        self.assertGreater(report["result"]["macro_f1"], 0.85)
        said = self.predict(first.out / "model.liblinear", test)[1]
        self.assertIn(f"micro-F1 {report['result']['micro_f1']:.4f}, macro-F1 {report['result']['macro_f1']:.4f}", said)

    @unittest.skipUnless(SHARED_DATA.is_dir(), "the Reuters files are not here")
    def test_reuters_topics(self):
        # LIBLINEAR, one model a topic (hinge, the same lambda, a regularised bias): micro-F1 0.8518, macro-F1 0.3027,
        # 80.4 % of whole sets, objective 0.5165.
        facts = self.train(*REUTERS, "--lambda", "1e-4", "--bias", "--epochs", "20", "--seed", "1")
        self.assertEqual((facts["labels"], facts["unknown_test_labels"]), (115, 3))
        self.assertGreater(facts["micro_f1"], 0.845)
        self.assertGreater(facts["macro_f1"], 0.285)
        self.assertGreater(facts["test_accuracy"], 0.795)
        self.assertLess(facts["objective"], 0.54)


if __name__ == "__main__":
    unittest.main()
