"""Commands of one process: exit codes, messages, files."""

import hashlib
import json
import re
import subprocess
import unittest

from swarm import SwarmTest, clean_environment, needs_tool, run


class ExitCodes(SwarmTest):

    def assert_refused(self, code, words, *arguments, **options):
        ended = run(*arguments, **options)
        self.assertEqual(ended.returncode, code, f"{arguments}: {ended.stdout}{ended.stderr}")
        for word in words:
            self.assertIn(word, ended.stderr, arguments)

    def test_wrong_usage_is_2_and_names_flag_value_and_what_is_right(self):
        for arguments, words in [
            ([], ["command"]),
            (["nod"], ["nod", "unknown command"]),
            (["node", "--epoch", "3"], ["--epoch", "epochs"]),
            (["node", "--lambda", "much"], ["--lambda", "much", "number"]),
            (["node", "--mode", "both"], ["--mode", "both", "async", "sync"]),
            (["node", "--shard"], ["--shard", "--train"]),
            (["node", "--threads", "0"], ["--threads", "'0'", "1 to 1024"]),
            (["node", "--gossip", "0.0.0.0:7420"], ["--gossip", "--insecure"]),
            (["node", "--upload", "ftp://x"], ["--upload", "ftp://x", "http"]),
            (["node", "--train", "synth:nothing"], ["synth:nothing", "synth:rcv1"]),
            (["train"], ["--train"]),
            (["predict", "--model", "m"], ["--data"]),
            (["data"], ["info"]),
            (["data", "convert", "a", "b.txt"], ["b.txt", ".svm"]),
            (["status", "host:many"], ["host:many", "HOST:PORT"]),
        ]:
            with self.subTest(arguments=arguments):
                self.assert_refused(2, words, *arguments)

    def test_unknown_keys_of_environment_and_file_are_2(self):
        self.assert_refused(2, ["HOGWILD_LAMDA"], "node", env=clean_environment(HOGWILD_LAMDA="1"))
        config = self.directory / "c.toml"
        config.write_text("lamda = 1\nthreads = 0\n")
        self.assert_refused(2, ["lamda", "c.toml:1", "lambda", "threads", "c.toml:2"], "node", "--config", config)

    def test_help_and_version_are_0(self):
        for arguments in [["--help"], ["node", "--help"], ["data", "synth", "--help"]]:
            ended = run(*arguments)
            self.assertEqual(ended.returncode, 0)
            self.assertIn("usage: hogwild", ended.stdout)
        self.assertRegex(run("--version").stdout, r"^hogwild \d+\.\d+\.\d+\n$")

    def test_unusable_data_is_3_with_file_line_and_column(self):
        bad = self.directory / "bad.svm"
        for text, place in [("+1 1:1\n+1 1:x\n", ":2:6"), ("+1 1:1\nabc 1:1\n", ":2:1"), ("+1 1:1 1:2\n", ":1:")]:
            bad.write_text(text)
            for command in [["train", "--train", bad], ["data", "info", bad]]:
                with self.subTest(text=text, command=command[0]):
                    self.assert_refused(3, [f"bad.svm{place}"], *command)
        good = self.directory / "good.svm"
        good.write_text("+1 1:1\n-1 2:1\n")
        for text in ["", "\n\r\n# no row at all\n"]:
            bad.write_text(text)
            self.assert_refused(3, ["bad.svm: no rows"], "train", "--train", bad)
            self.assert_refused(3, ["bad.svm: no rows"], "train", "--train", good, "--test", bad)
        self.assert_refused(3, ["missing.svm"], "train", "--train", self.directory / "missing.svm")

    def test_each_kind_of_bad_line_is_3_with_its_place_and_what_was_expected(self):
        bad = self.directory / "bad.svm"
        for line, column, words in [
            ("x 1:1", 1, 'found "x"; expected a label'),
            ("nan 1:1", 1, "expected a label"),
            ("1e40 1:1", 1, "expected a number from -16777215 to 16777215"),
            ("3, 1:1", 3, "found a blank; expected a label"),
            ("3,17,3 1:1", 6, "a second time; expected it once a row"),
            ("1x 1:1", 2, "expected a space after the label"),
            ("+1 0:1", 4, "expected an id from 1 to 2147483647 (ids start at 1)"),
            ("+1 2147483648:1", 4, "expected an id from 1 to 2147483647"),
            ("+1 -5:1", 4, "expected a feature (id:value) or the end of the line"),
            ("+1 5 6:1", 5, "expected a colon after a feature id"),
            ("+1 1:0.5 2:0.25 3:0.125 5", 26, "found the end of the line; expected a colon"),
            ("+1 5:", 6, "expected a finite number as the value of feature 5"),
            ("+1 1:0.5 2:0.25 3:nan 4:0.5", 19, "expected a finite number as the value of feature 3"),
            ("+1 5:1e39", 6, "is too large; expected one that is finite in a 32-bit float"),
            ("+1 5:1.2.3", 9, "expected a space after the value of feature 5"),
            ("+1 5:1 5:2", 8, "a second time in this row; expected each id once"),
            ("+1 7:1 5:1 7:2", 12, "feature 7 a second time"),
            ("+1 qid:x 1:1", 8, "expected a whole number after qid:"),
            ("+1 1:1 qid:3", 8, "expected a feature (id:value) or the end of the line"),
        ]:
            with self.subTest(line=line):
                bad.write_text(f"+1 1:0.5 2:0.5\n\n{line}\n-1 1:x\n")
                self.assert_refused(3, [f"bad.svm:3:{column}: ", words], "train", "--train", bad)

    def test_odd_but_valid_lines_are_counted_exactly(self):
        odd = self.directory / "odd.svm"
        odd.write_bytes(b"\xef\xbb\xbf# a comment 9:9\r\n+1 qid:3 1:0.5\t7:-2e-1 # 3:3\r\n\r\n-1\n \t+1  12:1 3:.5\n-1 2:1.")
        facts = json.loads(run("data", "info", "--json", odd).stdout)
        self.assertEqual({key: facts[key] for key in ["rows", "nonzeros", "features", "positive"]},
                         {"rows": 4, "nonzeros": 5, "features": 12, "positive": 2})

    def test_a_daemon_with_unusable_data_ends_with_3(self):
        bad = self.directory / "bad.svm"
        bad.write_text("+1 1:1\n+1 1:x\n")
        node = self.start("node-1", "--train", bad)
        self.assertEqual(node.end(), 3, node.log)
        self.assertIn("bad.svm:2:6", node.log)

    def test_an_unusable_model_is_3_with_file_line_and_column(self):
        model = self.directory / "m"
        rows = self.directory / "rows.svm"
        rows.write_text("1 1:1\n")
        head = "solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n"
        three = "solver_type L2R_LR\nnr_class 3\nlabel 1 2 3\nnr_feature 1\nbias -1\nw\n"
        for text, words in [
            ("", [":1:1", "end of the file"]),
            ("1 1:0.5\n", [":1:1", '"1"', "solver_type"]),
            ("solver_type L2R_LR\nnr_class x\n", [":2:10", '"x"', "2 to 65536"]),
            (head.replace("L2R_LR", "L2R_L2LOSS_SVR"), [":1:13", "L2R_L2LOSS_SVR", "classification"]),
            (head.replace("nr_class 2", "nr_class 1"), [":2:10", '"1"', "2 to 65536"]),
            (head.replace("nr_class 2", "nr_class 65537"), [":2:10", '"65537"', "2 to 65536"]),
            (head.replace("nr_class 2", "nr_class 3"), [":6:1", "2 labels", "nr_class 3"]),
            (head.replace("label 1 -1", "label 1"), [":6:1", "1 labels", "nr_class 2"]),
            (head.replace("label 1 -1", "label 1 1"), [":3:10", "twice"]),
            (head.replace("label 1 -1", "label 1 x"), [":3:9", '"x"', "label"]),
            (head.replace("label 1 -1\n", ""), [":5:1", '"label"']),
            (head.replace("nr_feature 2", "nr_feature -2"), [":4:12", '"-2"']),
            (head.replace("nr_feature 2", "nr_feature 9999999999"), [":4:12", "2147483647"]),
            (head.replace("bias -1", "bias nan"), [":5:6", "nan"]),
            (head.replace("bias -1", "bias -1\nbias -1"), [":6:1", "second time"]),
            (head + "1\n", [":8:1", "after 1 weights", "expected 2"]),
            (head + "1\n2\n3\n", [":9:1", '"3"', "end of the file"]),
            (head + "1\nx\n", [":8:1", '"x"', "weight"]),
            (head + "1\ninf\n", [":8:1", "inf", "finite"]),
            (head + "1 2\n", [":7:3", '"2"', "one weight a line"]),
            (three + "1 2\n", [":7:4", "end of the line"]),
            (three + "1 2 3 4\n", [":7:7", '"4"', "3 weights a line"]),
            (three + "1 2 3\nmultilabel x\n", [":8:12", '"x"']),
        ]:
            with self.subTest(text=text):
                model.write_text(text)
                self.assert_refused(3, [str(model)] + words, "predict", "--model", model, "--data", rows)

    def test_an_unusable_binary_model_is_3(self):
        model, text = self.directory / "m.bin", self.directory / "m.txt"
        rows = self.directory / "rows.svm"
        rows.write_text("1 1:1\n-1 2:1\n")
        for path in [model, text]:
            ended = run("train", "--train", rows, "--model", path, "--seed", "1", "--threads", "1")
            self.assertEqual(ended.returncode, 0, ended.stderr)
        whole = model.read_bytes()
        self.assertEqual(whole[:4], b"\x89HWM")
        told = [run("predict", "--scores", "--model", path, "--data", rows).stdout for path in [model, text]]
        self.assertEqual(told[0], told[1])
        self.assertEqual(told[0].split()[::2], ["1", "-1"])
        for changed, word in [(whole[:-1], "checksum"), (whole[:20], "ends early"), (whole[:3], "first bytes"),
                              (whole[:50] + b"x" + whole[51:], "checksum"), (whole + b"\0", "checksum"),
                              (whole[:8] + b"\2" + whole[9:], "version 2")]:
            with self.subTest(word=word, size=len(changed)):
                model.write_bytes(changed)
                self.assert_refused(3, [str(model), word], "predict", "--model", model, "--data", rows)

    def test_wrong_flags_of_train_and_predict_are_2(self):
        rows = self.directory / "rows.svm"
        rows.write_text("1 1:1\n-1 2:1\n")
        train = ["train", "--train", rows]
        predict = ["predict", "--model", "m", "--data", rows]
        for arguments, words in [
            (["train", "--test", rows], ["--train", "missing"]),
            (["train", "--train", ""], ["--train", "''"]),
            (["train", "--train", "synth:rcv1?n=0"], ["synth:rcv1?n=0", "from 1"]),
            (["train", "--train", "synth:rcv1?n=x"], ["synth:rcv1?n=x", "number"]),
            (train + ["--train", rows], ["--train", "2 times"]),
            (train + ["--lambda", "-1"], ["--lambda", "'-1'", "0 to"]),
            (train + ["--lambda", "nan"], ["--lambda", "'nan'", "number"]),
            (train + ["--loss", "l2"], ["--loss", "'l2'", "hinge", "logistic"]),
            (train + ["--epochs", "0"], ["--epochs", "'0'", "above 0"]),
            (train + ["--epochs", "-1"], ["--epochs", "'-1'", "above 0"]),
            (train + ["--updates", "x"], ["--updates", "'x'", "whole number"]),
            (train + ["--max-time", "5"], ["--max-time", "'5'", "unit"]),
            (train + ["--max-time", "5parsec"], ["--max-time", "'5parsec'", "unit"]),
            (train + ["--threads", "1.5"], ["--threads", "'1.5'", "whole number"]),
            (train + ["--threads", "100000"], ["--threads", "'100000'", "1024"]),
            (train + ["--seed", "-1"], ["--seed", "'-1'", "whole number"]),
            (train + ["--bias=maybe"], ["--bias", "'maybe'", "true or false"]),
            (train + ["--log-level", "7"], ["--log-level", "'7'", "0 to 3"]),
            (train + ["--moddel", "m"], ["--moddel"]),
            (["predict", "--data", rows], ["--model", "missing"]),
            (["predict", "--model", "m"], ["--data", "missing"]),
            (predict + ["--scores=maybe"], ["--scores", "'maybe'", "true or false"]),
            (predict + ["--threads", "0"], ["--threads", "'0'", "1 to 1024"]),
            (predict + ["--model", "n"], ["--model", "2 times"]),
            (predict + ["extra"], ["'extra'", "not expected"]),
        ]:
            with self.subTest(arguments=arguments):
                self.assert_refused(2, words, *arguments)

    def test_values_too_large_for_the_sums_end_training_with_1(self):
        rows = self.directory / "rows.svm"
        for value in ["1e30", "2e9"]:
            rows.write_text("+1 1:1 2:0.5\n-1 2:1 3:0.5\n" * 50 + f"+1 3:{value}\n")
            for threads in ["1", "2"]:
                with self.subTest(value=value, threads=threads):
                    self.assert_refused(1, [str(rows), "norms up to"], "train", "--train", rows, "--threads", threads)

    def test_what_cannot_be_written_is_1_and_said_before_the_work(self):
        rows = self.directory / "rows.svm"
        rows.write_text("1 1:1\n-1 2:1\n")
        nowhere = self.directory / "missing" / "m"
        for flag in ["--model", "--report"]:
            self.assert_refused(1, [str(nowhere)], "train", "--train", self.directory / "not read yet", flag, nowhere)
        model = self.directory / "m"
        self.assertEqual(run("train", "--train", rows, "--model", model).returncode, 0)
        self.assert_refused(1, [str(nowhere)], "predict", "--model", model, "--data", rows, "--output", nowhere)
        # A device is written to; nothing takes its place.
        full = self.directory / "full"
        full.symlink_to("/dev/full")
        self.assert_refused(1, [str(full), "No space"], "predict", "--model", model, "--data", rows, "--output", full)
        self.assert_refused(1, [str(full), "No space"], "train", "--train", rows, "--model", full)
        self.assertTrue(full.is_symlink())

    def test_rows_before_a_bad_one_are_predicted_and_no_file_is_left(self):
        model, rows, output = (self.directory / name for name in ["m", "rows.svm", "out"])
        rows.write_text("1 1:1\n-1 2:1\n")
        self.assertEqual(run("train", "--train", rows, "--model", model).returncode, 0)
        rows.write_text("1 1:1\n-1 2:1\n1 1:x\n")
        self.assert_refused(3, ["rows.svm:3:5", '"x"'], "predict", "--model", model, "--data", rows, "--output", output)
        self.assertEqual(sorted(path.name for path in self.directory.glob("out*")), [])

    def test_a_client_that_reaches_nobody_fails(self):
        for command in ["status", "members", "stop", "leave"]:
            self.assert_refused(1, ["127.0.0.1:9"], command, "127.0.0.1:9")

    def test_a_port_that_is_taken_is_named(self):
        first = self.start("node-1", "--mode", "idle")
        second = run("node", "--gossip", "127.0.0.1:0", "--http", first.http)
        self.assertEqual(second.returncode, 1, second.stderr)
        self.assertIn(first.http, second.stderr)


class OneMachine(SwarmTest):

    def test_a_model_is_trained_and_used(self):
        model, report, labels = (self.directory / name for name in ["m", "r.json", "labels"])
        trained = run("train", "--train", "synth:rcv1?n=20000", "--test", "synth:rcv1", "--threads", "1", "--epochs", "3",
                      "--model", model, "--report", report)
        self.assertEqual(trained.returncode, 0, trained.stderr)
        facts = json.loads(report.read_text())
        for key in ["load_s", "train_s", "updates", "nonzeros", "test_accuracy", "test_loss", "objective", "threads",
                    "epochs"]:
            self.assertIn(key, facts)
        self.assertEqual(facts["updates"], 60000)
        self.assertGreater(facts["test_accuracy"], 0.9)

        predicted = run("predict", "--model", model, "--data", "synth:rcv1", "--output", labels)
        self.assertEqual(predicted.returncode, 0, predicted.stderr)
        self.assertEqual(len(labels.read_text().splitlines()), 23149)
        accuracy = float(re.search(r"ccuracy\D*([\d.]+)", predicted.stdout + predicted.stderr).group(1)) / 100
        self.assertAlmostEqual(accuracy, facts["test_accuracy"], places=4)

    @needs_tool("liblinear-predict")
    def test_liblinear_reads_the_model_and_agrees(self):
        model, rows, ours, theirs = (self.directory / name for name in ["m", "t.svm", "ours", "theirs"])
        self.assertEqual(run("train", "--train", "synth:rcv1?n=5000", "--bias", "--model", model).returncode, 0)
        self.assertEqual(run("data", "synth", "synth:rcv1?n=1000&part=test", rows).returncode, 0)
        self.assertEqual(run("predict", "--model", model, "--data", rows, "--output", ours).returncode, 0)
        subprocess.run(["liblinear-predict", rows, model, theirs], check=True, capture_output=True, timeout=60)
        self.assertEqual([float(line) for line in ours.read_text().split()],
                         [float(line) for line in theirs.read_text().split()])

    def test_the_synthetic_sets_are_those_of_the_specification(self):
        for part, digest in [("train", "d95985f75c478e9d161629b81d0a25ffc87d1d5ca3601ea54be1c177888d930f"),
                             ("test", "e0ec334fef15f92232efd668a3c3905702cd38f644e26468f16c391391821c6c")]:
            ended = run("data", "synth", f"synth:rcv1?n=1000&part={part}")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(hashlib.sha256(ended.stdout.encode()).hexdigest(), digest)

    def test_info_tells_what_a_set_holds_in_both_forms(self):
        text = dict(line.split(maxsplit=1) for line in run("data", "info", "synth:rcv1?n=1000&part=train").stdout.splitlines())
        facts = json.loads(run("data", "info", "--json", "synth:rcv1?n=1000&part=train").stdout)
        for key in ["rows", "nonzeros", "features", "labels", "positive", "fingerprint"]:
            self.assertIn(key, text)
            self.assertIn(key, facts)
        self.assertEqual(facts["rows"], 1000)
        self.assertEqual(text["fingerprint"], facts["fingerprint"])

    def test_a_converted_set_is_the_same_set(self):
        packed = self.directory / "c.svm.gz"
        self.assertEqual(run("data", "convert", "synth:rcv1?n=1000&part=train", packed).returncode, 0)
        self.assertEqual(packed.read_bytes()[:2], b"\x1f\x8b")
        self.assertEqual(json.loads(run("data", "info", "--json", packed).stdout)["fingerprint"],
                         json.loads(run("data", "info", "--json", "synth:rcv1?n=1000&part=train").stdout)["fingerprint"])


if __name__ == "__main__":
    unittest.main()
