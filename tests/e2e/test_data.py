"""Forms of data sets, through the program: packed files, standard input, RCV1-v2, caches."""

import bz2
import contextlib
import gzip
import json
import os
import pty
import subprocess
import time
import unittest

from swarm import HOGWILD, SwarmTest, clean_environment, needs_tool, run, wait_until


class Forms(SwarmTest):

    def setUp(self):
        super().setUp()
        self.text = self.directory / "t.svm"
        self.assertEqual(run("data", "synth", "synth:rcv1?n=3000&part=train", self.text).returncode, 0)
        self.facts = self.info(self.text)

    def info(self, source, **options):
        ended = run("data", "info", "--json", source, **options)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return json.loads(ended.stdout)

    def piped(self, content, *arguments):
        return subprocess.run([HOGWILD, *map(str, arguments)], input=content, capture_output=True, timeout=60,
                              check=False, env=clean_environment())

    # The refusal of what does not fit stands on this figure: docs/data.md, "How data is loaded".
    def test_training_takes_the_memory_that_is_stated_and_not_much_less(self):
        features = 1_000_000
        with open(self.text, "w", encoding="ascii") as rows:
            for row in range(4000):
                first = row * 250 + 1
                rows.write(f"{row % 2} " + " ".join(f"{i}:0.06" for i in range(first, first + 250)) + "\n")

        def peak_bytes(threads):
            command = [HOGWILD, "train", "--train", self.text, "--threads", str(threads), "--epochs", "2", "--log-level",
                       "0", "--model", self.directory / "m.bin"]
            with subprocess.Popen(command, env=clean_environment()) as process:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            return usage.ru_maxrss * 1024

        held_by_rows = features * (8 + 8 + 8)  # each feature comes once: an entry, its number, its mean square
        program = 30 << 20
        for threads in [1, 2]:
            with self.subTest(threads=threads):
                stated = features * (72 + 16 * threads)
                peak = peak_bytes(threads)
                self.assertLess(peak, stated + held_by_rows + program)
                self.assertGreater(peak, stated / 2)

    def test_packed_files_and_pipes_are_the_same_set(self):
        content = self.text.read_bytes()
        half = content.rindex(b"\n", 0, len(content) // 2) - 20  # a line goes over two members
        for name, packed in [("t.gz", gzip.compress(content[:half]) + gzip.compress(content[half:])),
                             ("t.bz2", bz2.compress(content[:half]) + bz2.compress(content[half:])),
                             ("unnamed", gzip.compress(content))]:
            with self.subTest(name):
                path = self.directory / name
                path.write_bytes(packed)
                self.assertEqual(self.info(path)["fingerprint"], self.facts["fingerprint"])
                ended = self.piped(packed, "data", "info", "--json", "-")
                self.assertEqual(json.loads(ended.stdout)["fingerprint"], self.facts["fingerprint"])
        ended = self.piped(content, "data", "info", "--json", "-")
        self.assertEqual(json.loads(ended.stdout)["fingerprint"], self.facts["fingerprint"])

    @needs_tool("zstd")
    def test_zstd_is_read(self):
        subprocess.run(["zstd", "-q", self.text], check=True, timeout=60)
        self.assertEqual(self.info(f"{self.text}.zst")["fingerprint"], self.facts["fingerprint"])

    def test_packed_data_that_end_early_or_are_damaged_are_3(self):
        content = self.text.read_bytes()
        for pack in [gzip.compress, bz2.compress]:
            packed = pack(content)
            middle = len(packed) // 2
            damaged = packed[:middle] + bytes([packed[middle] ^ 0x10]) + packed[middle + 1:]
            for name, broken, words in [("cut", packed[:-5], "end early"), ("damaged", damaged, "corrupt")]:
                with self.subTest(name, pack=pack.__module__):
                    path = self.directory / name
                    path.write_bytes(broken)
                    ended = run("train", "--train", path)
                    self.assertEqual(ended.returncode, 3, ended.stderr)
                    self.assertIn(f"{path}: the ", ended.stderr)
                    self.assertIn(words, ended.stderr)
                    ended = self.piped(broken, "train", "--train", "-")
                    self.assertEqual(ended.returncode, 3, ended.stderr)

    def test_a_bad_line_of_a_packed_file_is_3_with_its_place(self):
        path = self.directory / "bad.gz"
        path.write_bytes(gzip.compress(self.text.read_bytes() + b"+1 1:x\n"))
        ended = run("data", "info", path)
        self.assertEqual(ended.returncode, 3)
        self.assertIn("bad.gz:3001:6: ", ended.stderr)


class Progress(SwarmTest):

    def setUp(self):
        super().setUp()
        self.content = run("data", "synth", "synth:rcv1?n=3000&part=train").stdout.encode()

    def load_slowly(self, stderr):
        """A set that comes in two halves with a pause between them."""
        process = subprocess.Popen([HOGWILD, "data", "info", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=stderr, env=clean_environment())
        process.stdin.write(self.content[:-1000])
        process.stdin.flush()
        time.sleep(0.7)
        output, errors = process.communicate(self.content[-1000:], timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertIn(b"rows 3000\n", output)
        return errors

    def test_a_terminal_has_a_live_line_that_goes_away(self):
        ours, theirs = pty.openpty()
        self.load_slowly(theirs)
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # which is the end of a terminal
            while piece := os.read(ours, 100_000):
                seen += piece
        os.close(ours)
        self.assertRegex(seen, rb"\rloading: 0\.00 GB, 0\.0 million rows, 0\.0\d GB/s\x1b\[K")
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen)

    def test_a_pipe_has_none(self):
        self.assertEqual(self.load_slowly(subprocess.PIPE), b"")

    def test_a_daemon_says_how_far_it_is(self):
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        node = self.start("node-1", "--train", pipe, "--epochs", "1")
        with pipe.open("wb") as train:
            train.write(self.content)
            train.flush()
            wait_until(lambda: " event=data_loading " in node.log, "a line about loading")
        self.assertEqual(node.end(), 0, node.log)
        self.assertRegex(node.log, r" event=data_loading bytes=\d+ total_bytes=0 ")


class Rcv1(SwarmTest):

    def test_a_topic_of_rcv1_is_trained_and_tested(self):
        names = {"train": ["lyrl2004_vectors_test_pt%d.dat" % part for part in range(4)],
                 "test": ["lyrl2004_vectors_train.dat"]}
        document = 2286
        with (self.directory / "rcv1-v2.topics.qrels").open("w") as qrels:
            for part, files in names.items():
                rows = run("data", "synth", f"synth:rcv1?n=2000&part={part}").stdout.splitlines()
                share = len(rows) // len(files)
                for number, name in enumerate(files):
                    with (self.directory / name).open("w") as vectors:
                        for row in rows[number * share:(number + 1) * share]:
                            label, entries = row.split(" ", 1)
                            vectors.write(f"{document}  {entries}\n")
                            qrels.write(f"{'CCAT' if label == '+1' else 'GCAT'} {document} 1\n")
                            document += 1
        source = f"lyrl2004:{self.directory}?topic=CCAT"
        report = self.directory / "r.json"
        ended = run("train", "--train", source, "--test", source, "--epochs", "3", "--report", report)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertGreater(json.loads(report.read_text())["test_accuracy"], 0.8)
        synthetic = json.loads(run("data", "info", "--json", "synth:rcv1?n=2000&part=train").stdout)
        facts = json.loads(run("data", "info", "--json", source + "&part=train").stdout)
        self.assertEqual(facts["fingerprint"], synthetic["fingerprint"])
        ended = run("train", "--train", f"lyrl2004:{self.directory}?topic=CCATT")
        self.assertEqual(ended.returncode, 3)
        self.assertIn("CCAT", ended.stderr)


class Caches(SwarmTest):

    def setUp(self):
        super().setUp()
        self.text, self.cache = self.directory / "t.svm", self.directory / "t.hwd"
        self.assertEqual(run("data", "synth", "synth:rcv1?n=20000&part=train", self.text).returncode, 0)
        self.convert(self.text, self.cache)

    def convert(self, source, target):
        ended = run("data", "convert", source, target)
        self.assertEqual(ended.returncode, 0, ended.stderr)

    def test_a_cache_is_the_same_set_and_goes_back_to_the_same_text(self):
        facts = json.loads(run("data", "info", "--json", self.text).stdout)
        cached = json.loads(run("data", "info", "--json", self.cache).stdout)
        self.assertEqual({**cached, "name": ""}, {**facts, "name": ""})
        back = self.directory / "back.svm"
        self.convert(self.cache, back)
        self.assertEqual(back.read_bytes(), self.text.read_bytes())
        again = self.directory / "again.hwd"
        self.convert(self.cache, again)
        self.assertEqual(again.read_bytes(), self.cache.read_bytes())

    def test_one_thread_trains_the_same_model_from_text_and_cache(self):
        models, labels = [], []
        for source in [self.text, self.cache]:
            model, predicted = self.directory / f"{source.suffix}.m", self.directory / f"{source.suffix}.l"
            ended = run("train", "--train", source, "--test", source, "--threads", "1", "--seed", "7", "--epochs", "2", "--model", model)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(run("predict", "--model", model, "--data", source, "--output", predicted).returncode, 0)
            models.append(model.read_bytes())
            labels.append(predicted.read_bytes())
        self.assertEqual(models[0], models[1])
        self.assertEqual(labels[0], labels[1])

    def test_nodes_with_text_and_with_a_cache_train_together(self):
        one = self.start("node-1", "--train", self.text, "--test", self.cache, "--expect", "2", "--epochs", "2")
        two = self.start("node-2", "--train", self.cache, "--test", self.text, "--expect", "2", "--epochs", "2",
                         "--join", one.gossip)
        self.assert_same_result([one, two])

    def test_a_joiner_makes_the_data_that_a_cache_was_made_from(self):
        cache = self.directory / "synthetic.hwd"
        self.convert("synth:rcv1?n=20000&part=train", cache)
        first = self.start("node-1", "--train", cache, "--test", self.text, "--epochs", "20", "--rate", "100000")
        first.await_training()
        second = self.start("node-2", "--join", first.gossip, "--log-level", "2")
        report = self.assert_same_result([first, second])
        self.assertEqual(report["settings"]["train"], "synth:rcv1?n=20000&seed=1&part=train")
        self.assertIn(" event=data_loaded ", second.log)

    def test_broken_caches_are_3_with_the_reason(self):
        whole = self.cache.read_bytes()
        for name, content, words in [("cut", whole[:-1], "bytes"), ("header", whole[:100], "ends within its header"),
                                     ("damaged", whole[:9000] + b"xx" + whole[9002:], "damaged between bytes"),
                                     ("version", whole[:12] + b"\x07" + whole[13:], "version 7")]:
            with self.subTest(name):
                path = self.directory / "broken.hwd"
                path.write_bytes(content)
                for command in [["train", "--train", path], ["train", "--train", self.text, "--test", path],
                                ["data", "info", path]]:
                    ended = run(*command)
                    self.assertEqual(ended.returncode, 3, ended.stderr)
                    self.assertIn("broken.hwd: ", ended.stderr)
                    self.assertIn(words, ended.stderr)

    def test_a_cache_cannot_come_through_a_pipe(self):
        with self.cache.open("rb") as cache:
            ended = subprocess.run(["cat"], stdin=cache, capture_output=True, check=True, timeout=60)
        ended = subprocess.run([HOGWILD, "train", "--train", "-"], input=ended.stdout, capture_output=True, timeout=60,
                               check=False, env=clean_environment())
        self.assertEqual(ended.returncode, 3)
        self.assertIn(b"cache", ended.stderr)

    def test_a_failed_conversion_leaves_the_old_file(self):
        bad = self.directory / "bad.svm"
        bad.write_text("+1 1:1\n+1 1:x\n")
        before = self.cache.read_bytes()
        self.assertEqual(run("data", "convert", bad, self.cache).returncode, 3)
        self.assertEqual(self.cache.read_bytes(), before)
        self.assertEqual([path.name for path in self.directory.glob("t.hwd*")], ["t.hwd"])


if __name__ == "__main__":
    unittest.main()
