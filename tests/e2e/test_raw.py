"""Raw text and CSV: converted, trained on, and predicted with the recipe that the model keeps."""

import gzip
import json
import random
import unittest

from swarm import SwarmTest, run

WORDS = {"ham": ["meeting", "lunch", "report", "see you", "thanks for it"], "spam": ["pills", "winner", "click here", "free", "offer now"]}


def made_mails(count, seed):
    """(label, text) of two kinds."""
    draw = random.Random(seed)
    mails = []
    for _ in range(count):
        label = draw.choice(["ham", "spam"])
        words = [draw.choice(WORDS[label]) for _ in range(3)] + [f"word{draw.randrange(50)}" for _ in range(4)]
        mails.append((label, " ".join(draw.sample(words, len(words)))))
    return mails


class Raw(SwarmTest):

    def path(self, name, content):
        path = self.directory / name
        path.write_text(content)
        return path

    def hogwild(self, *arguments, code=0):
        ended = run(*arguments)
        self.assertEqual(ended.returncode, code, ended.stderr)
        return ended

    def test_texts_are_learned_and_raw_ones_predicted(self):
        train = self.path("train.txt", "".join(f"{label}\t{text}\n" for label, text in made_mails(1000, 1)))
        mails = made_mails(300, 2)
        test = self.path("test.txt", "".join(f"{label}\t{text}\n" for label, text in mails))
        recipe = self.directory / "recipe"
        said = self.hogwild("data", "convert", "--from", "text", "--hash", "16", "--fit", recipe, train, self.directory / "train.hwd")
        self.assertIn("class 1 is ham\nclass 2 is spam\n", said.stderr)
        self.hogwild("data", "convert", "--recipe", recipe, test, self.directory / "test.svm.gz")
        told = []
        for model in [self.directory / "m", self.directory / "m.bin"]:
            self.hogwild("train", "--train", self.directory / "train.hwd", "--test", self.directory / "test.svm.gz", "--recipe", recipe,
                         "--seed", "1", "--threads", "1", "--model", model, "--report", self.directory / "report.json", "--probabilities")
            trained = json.loads((self.directory / "report.json").read_text())["measures"]
            ended = self.hogwild("predict", "--model", model, "--from", "text", "--data", test, "--report", self.directory / "said.json")
            self.assertEqual(json.loads((self.directory / "said.json").read_text())["measures"], trained)
            told.append(ended.stdout.split())
        self.assertEqual(told[0], told[1])
        right = sum(line == label for line, (label, _) in zip(told[0], mails))
        self.assertGreater(right, 290)
        # Nodes keep it too; who joins without one gets the run's, and who brings another one is refused.
        data = ["--train", self.directory / "train.hwd", "--expect", "2", "--epochs", "3"]
        nodes = [self.start("node-1", *data, "--recipe", recipe)]
        other = self.path("other", recipe.read_text().replace("ngrams 1", "ngrams 2"))
        nodes.append(self.start("node-2", *data, "--join", nodes[0].gossip))
        for node in nodes:
            self.assertEqual(node.end(), 0, node.log)
        models = [(node.out / "model.liblinear").read_text() for node in nodes]
        self.assertEqual(models[0], models[1])
        self.assertTrue(models[0].endswith(recipe.read_text()))
        server = self.start("node-3", *data[:2], "--recipe", recipe, "--epochs", "1", "--on-finish", "serve")
        server.await_status(lambda s: s["node"]["state"] == "finished", "finished")
        wrong = self.start("node-4", *data[:2], "--recipe", other, "--join", server.gossip)
        self.assertEqual(wrong.end(), 4, wrong.log)
        self.assertIn("recipe", wrong.log)
        # Lines without a label, packed.
        packed = self.directory / "new.txt.gz"
        packed.write_bytes(gzip.compress(b"Free pills, winner: CLICK HERE\nthe report of the meeting\n\n"))
        ended = self.hogwild("predict", "--model", self.directory / "m", "--from", "text", "--data", packed, "--probabilities")
        self.assertRegex(ended.stdout, r"^spam spam:0\.[6-9]\d* ham:0\.[0-3]\d*\nham spam:0\.[0-3]\d* ham:0\.[6-9]\d*\n$")
        self.assertEqual(ended.stderr, "")

    def test_a_table_is_learned(self):
        draw = random.Random(3)
        lines = []
        for i in range(1500):
            label = draw.choice(["yes", "no"])
            age = round(draw.gauss(45 if label == "yes" else 30, 8), 1)
            work = draw.choice(["clerk", "cook", "\"smith, black\""] if label == "yes" else ["clerk", "cook", "none"])
            lines.append(f"{i},{'' if draw.random() < 0.1 else age},{work},{label}\r\n")
        header = "id,age,work,answer\r\n"
        train, test = self.path("train.csv", header + "".join(lines[:1000])), self.path("test.csv", header + "".join(lines[1000:]))
        recipe = self.directory / "recipe"
        self.hogwild("data", "convert", "--from", "csv", "--label", "answer", "--columns", "id=ignored", "--fit", recipe, train,
                     self.directory / "train.svm")
        self.assertIn("\ncolumn ignored id\ncolumn numeric ", recipe.read_text())
        info = json.loads(self.hogwild("data", "info", "--json", self.directory / "train.svm").stdout)
        self.assertEqual((info["rows"], info["labels"]), (1000, 2))
        self.hogwild("train", "--train", self.directory / "train.svm", "--recipe", recipe, "--bias", "--loss", "logistic", "--model",
                     self.directory / "m.bin")
        ended = self.hogwild("predict", "--model", self.directory / "m.bin", "--from", "csv", "--data", test, "--report",
                             self.directory / "said.json")
        self.assertEqual(set(ended.stdout.split()), {"yes", "no"})
        measures = json.loads((self.directory / "said.json").read_text())["measures"]
        self.assertGreater(measures["roc_auc"], 0.9)
        # Other columns in another order, no label; a bad number is told with its place.
        other = self.path("other.csv", "work,more,age\nnone,1,20\n\"smith, black\",2,60\n")
        self.assertEqual(self.hogwild("predict", "--model", self.directory / "m.bin", "--from", "csv", "--data", other).stdout, "no\nyes\n")
        other.write_text("work,age\ncook,30\ncook,old\n")
        self.assertIn("other.csv:3:6: found \"old\" in the numeric column \"age\"",
                      self.hogwild("predict", "--model", self.directory / "m.bin", "--from", "csv", "--data", other, code=3).stderr)

    def test_what_cannot_be_is_refused_with_its_reason(self):
        raw = self.path("raw.txt", "1\tsome text\n-1\tother text\n")
        rows, recipe = self.directory / "rows.svm", self.directory / "recipe"
        for arguments, expected in [(["--hash", "12", raw, rows], "--hash: expected --from text or --from csv with it"),
                                    (["--from", "text", "--recipe", recipe, raw, rows], "--from: expected it without --recipe"),
                                    (["--from", "text", "--hash", "25", raw, rows], "1 to 24"),
                                    (["--from", "csv", "--columns", "a=b", raw, rows], "numeric, categorical, text or ignored"),
                                    (["--from", "json", raw, rows], "text or csv")]:
            self.assertIn(expected, self.hogwild("data", "convert", *arguments, code=2).stderr)
        bad = self.path("bad.csv", "a,label\n\"x,1\n")
        self.assertIn("bad.csv:2:1: a quote that is never closed",
                      self.hogwild("data", "convert", "--from", "csv", bad, rows, code=3).stderr)
        self.hogwild("data", "convert", "--from", "text", "--fit", recipe, raw, rows)
        model = self.directory / "m"
        self.hogwild("train", "--train", rows, "--model", model)
        self.assertIn("expected one trained with --recipe",
                      self.hogwild("predict", "--model", model, "--from", "text", "--data", raw, code=3).stderr)
        self.hogwild("train", "--train", rows, "--model", model, "--recipe", recipe)
        self.assertIn("expected --from text",
                      self.hogwild("predict", "--model", model, "--from", "csv", "--data", raw, code=3).stderr)
        self.assertIn("no recipe", self.hogwild("train", "--train", rows, "--recipe", raw, code=3).stderr)


if __name__ == "__main__":
    unittest.main()
