"""The lines of docs/python.md, run."""

import re
import unittest

from swarm import REPOSITORY, SwarmTest, run

try:
    import numpy as np
    import sklearn  # noqa: F401, whether it is there
    HAS_SKLEARN = True
except ImportError:
    HAS_SKLEARN = False


def blocks():
    """The code of the page, in its order."""
    return re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "python.md").read_text(), re.DOTALL)


@unittest.skipUnless(HAS_SKLEARN, "scikit-learn is not here")
class Python(SwarmTest):

    def load_function(self):
        names = {}
        exec(blocks()[0], names)  # pylint: disable=exec-used
        return names["load_hogwild"]

    def predicted(self, model, rows, *arguments):
        ended = run("predict", "--model", model, "--data", rows, *arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return [line.split() for line in ended.stdout.splitlines()]

    def write(self, labels):
        """Rows whose words tell the label."""
        draw = np.random.default_rng(1)
        lines = []
        for _ in range(600):
            label = draw.integers(len(labels))
            ids = sorted({int(1 + label * 5 + draw.integers(5)), int(21 + draw.integers(30)), int(21 + draw.integers(30))})
            lines.append(f"{labels[label]}" + "".join(f" {i}:{0.3 + 0.1 * (i % 3):.1f}" for i in ids) + "\n")
        path = self.directory / "rows.svm"
        path.write_text("".join(lines))
        return path

    def test_models_score_and_predict_as_ours(self):
        from sklearn.datasets import load_svmlight_file
        load_hogwild = self.load_function()
        for labels in [[-1, 1], [0, 1], [3, 1, 2, 7]]:
            for arguments in [["--loss", "logistic", "--bias"], []]:
                with self.subTest(labels=labels, arguments=arguments):
                    path, model = self.write(labels), self.directory / "m"
                    ended = run("train", "--train", path, "--model", model, "--seed", "1", "--threads", "1", *arguments)
                    self.assertEqual(ended.returncode, 0, ended.stderr)
                    theirs = load_hogwild(model)
                    rows, _ = load_svmlight_file(str(path), n_features=theirs.n_features_in_)
                    ours = self.predicted(model, path, "--scores")
                    self.assertEqual([float(line[0]) for line in ours], list(theirs.predict(rows)))
                    scores = theirs.decision_function(rows)
                    if len(labels) == 2:
                        np.testing.assert_allclose([float(line[1]) for line in ours], scores, atol=1e-6)
                    else:
                        np.testing.assert_allclose([[float(part.split(":")[1]) for part in line[1:]] for line in ours], scores,
                                                   atol=1e-6)
                    if len(labels) == 2 and arguments:
                        ours = [dict(part.split(":") for part in line[1:]) for line in self.predicted(model, path, "--probabilities")]
                        np.testing.assert_allclose([float(line[str(max(labels))]) for line in ours], theirs.predict_proba(rows)[:, 1],
                                                   atol=1e-6)

    def test_weights_of_a_node_read_as_numbers(self):
        path = self.write([-1, 1])
        node = self.start("node-1", "--train", path, "--bias", "--epochs", "3")
        self.assertEqual(node.end(), 0)
        names = {"np": np}
        code = next(block for block in blocks() if "weights.csv" in block)
        exec(code.replace("weights.csv", str(node.out / "weights.csv")), names)  # pylint: disable=exec-used
        theirs = self.load_function()(node.out / "model.liblinear")
        np.testing.assert_array_equal(theirs.intercept_[0], names["intercept"])
        np.testing.assert_array_equal(theirs.coef_[0][: len(names["coefficients"])], names["coefficients"])

    def test_text_has_the_features_of_the_hashing_vectorizer(self):
        from sklearn.datasets import load_svmlight_file
        texts = ["The cat sat; the cat ran.", "A dog sat", "Dogs and cats_2 ran, ran", "nothing of it", "x"]
        raw, rows = self.directory / "raw.txt", self.directory / "rows.svm"
        raw.write_text("".join(f"1\t{text}\n" for text in texts))
        ended = run("data", "convert", "--from", "text", raw, rows)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        names = {"training_texts": texts}
        code = next(block for block in blocks() if "HashingVectorizer" in block)
        exec(code, names)  # pylint: disable=exec-used
        ours, _ = load_svmlight_file(str(rows), n_features=2**18, zero_based=False)
        self.assertLess(abs(ours - names["rows"]).max(), 1e-6)


if __name__ == "__main__":
    unittest.main()
