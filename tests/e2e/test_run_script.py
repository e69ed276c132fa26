"""run.sh, as the README tells people to use it."""

import os
import pathlib
import re
import signal
import subprocess
import unittest

from swarm import HOGWILD, REPOSITORY, TEST, TRAIN, SwarmTest, clean_environment, run, wait_until


def processes_below(directory):
    """Ids of processes with that directory on their command line: each test has one of its own."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if str(directory).encode() in command:
            found.append(int(entry.name))
    return found


class RunScript(SwarmTest):

    def environment(self, **more):
        settings = {"OUT": str(self.directory / "out"), "TMPDIR": str(self.directory), "UPLOAD": "none", "TRAIN": TRAIN,
                    "TEST": TEST, "BINARY": str(HOGWILD), "HOGWILD_EARLY_STOPPING": "0"}
        return clean_environment(**{**settings, **more})

    def run_script(self, *arguments, limit=120, **more):
        return subprocess.run(["sh", REPOSITORY / "run.sh", *arguments], env=self.environment(**more), capture_output=True,
                              text=True, timeout=limit, stdin=subprocess.DEVNULL, check=False)

    def start_script(self, *arguments, **more):
        log = (self.directory / "screen").open("wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(["sh", REPOSITORY / "run.sh", *arguments], env=self.environment(**more), stdout=log,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)

        def end():
            if process.poll() is None:
                process.terminate()
            process.wait(60)
        self.addCleanup(end)
        return process

    def screen(self):
        return (self.directory / "screen").read_text()

    def assert_nothing_is_left(self):
        wait_until(lambda: processes_below(self.directory) == [], "the end of what was started", 5)
        self.assertEqual(list(self.directory.glob("hogwild-run.*")), [])

    def test_two_daemons_train_and_the_result_is_shown(self):
        ended = self.run_script("async", "2", "1")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertRegex(ended.stdout, r"accuracy +9\d\.\d\d %")
        self.assertRegex(ended.stdout, r"digest +[0-9a-f]+, model identical on all 2 nodes")
        self.assertIn("--join 127.0.0.1:", ended.stdout)
        self.assertRegex(ended.stdout, r"(?m)^ +\d+\.\d+ +\d+\.\d\d +\d+ ")
        for name in ["node-1", "node-2"]:
            self.assertTrue((self.directory / "out" / name / "model.liblinear").is_file())
        self.assert_nothing_is_left()

    def test_two_runs_at_once_do_not_collide(self):
        first = self.start_script("async", "2", "1", HOGWILD_RATE="10000", HOGWILD_MAX_TIME="4s")
        wait_until(lambda: "node-2  http://" in self.screen(), "the first run has its directory and its ports")
        second = self.run_script("async", "2", "1")
        self.assertEqual(second.returncode, 0, second.stdout + second.stderr)
        self.assertEqual(first.wait(60), 0, self.screen())
        ports = [set(re.findall(r"node-\d  http://127\.0\.0\.1:(\d+)", text)) for text in [second.stdout, self.screen()]]
        self.assertEqual([len(found) for found in ports], [2, 2])
        self.assertFalse(ports[0] & ports[1])
        self.assertIn(f"those of this one go to {self.directory}/out-2", second.stdout)
        models = [(self.directory / out / "node-1" / "model.liblinear").read_bytes() for out in ["out", "out-2"]]
        self.assertNotEqual(*models)
        self.assert_nothing_is_left()

    def test_a_signal_leaves_nothing_behind(self):
        for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            with self.subTest(signal=number):
                script = self.start_script("async", "2", "2", HOGWILD_RATE="5000", HOGWILD_MAX_TIME="60s")
                wait_until(lambda: "event=training_started" in self.screen(), "training")
                script.send_signal(number)
                self.assertEqual(script.wait(30), code, self.screen())
                self.assert_nothing_is_left()

    def test_ctrl_c_reaches_the_whole_group_and_leaves_nothing_behind(self):
        script = self.start_script("async", "2", "2", HOGWILD_RATE="5000", HOGWILD_MAX_TIME="60s")
        wait_until(lambda: "event=training_started" in self.screen(), "training")
        os.killpg(script.pid, signal.SIGINT)
        self.assertEqual(script.wait(30), 130, self.screen())
        self.assert_nothing_is_left()

    def test_a_node_killed_by_hand_does_not_end_the_run(self):
        script = self.start_script("async", "3", "1", HOGWILD_RATE="5000", HOGWILD_MAX_TIME="5s")
        wait_until(lambda: re.search(r"(?m)^ +\d+\.\d+ +\d", self.screen()), "an evaluation")
        first = [pid for pid in processes_below(self.directory)
                 if b"\0node-1\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        self.assertEqual(len(first), 1)
        os.kill(first[0], signal.SIGKILL)
        self.assertEqual(script.wait(60), 0, self.screen())
        self.assertIn("node-1 ended without a result, exit code 137", self.screen())
        self.assertRegex(self.screen(), r"model identical on all 2 nodes")
        self.assert_nothing_is_left()

    def test_unusable_data_ends_it_with_3_and_the_reason(self):
        bad = self.directory / "bad.svm"
        bad.write_text("+1 1:x\n")
        ended = self.run_script("async", "2", "1", TRAIN=str(bad))
        self.assertEqual(ended.returncode, 3, ended.stdout + ended.stderr)
        self.assertIn("bad.svm:1:6", ended.stdout + ended.stderr)
        self.assert_nothing_is_left()

    def test_wrong_arguments_are_2_with_words(self):
        for arguments, word in [(["asinc"], "asinc"), (["async", "0"], "REPLICAS"), (["async", "x"], "REPLICAS"),
                                (["async", "1", "4"], "LOGLEVEL"), (["down", "now"], "usage")]:
            with self.subTest(arguments=arguments):
                ended = self.run_script(*arguments)
                self.assertEqual(ended.returncode, 2)
                self.assertIn(word, ended.stderr)
        self.assertEqual(self.run_script(TARGET="nowhere").returncode, 2)
        ended = self.run_script(TRAIN="-")
        self.assertEqual((ended.returncode, "standard input" in ended.stderr), (2, True))

    def test_a_script_that_is_killed_leaves_nothing_behind(self):
        # At two moments: while the data are made, and while daemons train.
        for sign in ["Starting 2 daemons", "event=training_started"]:
            with self.subTest(moment=sign):
                script = self.start_script("async", "2", "2", HOGWILD_RATE="5000", HOGWILD_MAX_TIME="60s", TRAIN="synth:rcv1")
                wait_until(lambda at=sign: at in self.screen(), sign)
                script.kill()
                script.wait(10)
                wait_until(lambda: not processes_below(self.directory), "all processes are gone", 15)
                wait_until(lambda: not list(self.directory.glob("hogwild-run.*")), "the temporary files are gone", 10)

    def test_a_signal_while_data_are_made_leaves_nothing_behind(self):
        script = self.start_script("async", "2", "1", TRAIN="synth:rcv1?n=2000000")
        wait_until(lambda: list(self.directory.glob("hogwild-run.*/train.hwd*")), "a cache is being written")
        script.send_signal(signal.SIGTERM)
        self.assertEqual(script.wait(20), 143, self.screen())
        self.assert_nothing_is_left()

    def test_a_key_seals_the_run_and_lets_a_stranger_with_it_join(self):
        key = self.directory / "a key"
        key.touch(mode=0o600)
        key.write_text(run("keygen").stdout)
        script = self.start_script("async", "2", "2", HOGWILD_KEY_FILE=str(key), HOGWILD_RATE="10000", HOGWILD_MAX_TIME="6s")
        wait_until(lambda: "event=training_started" in self.screen(), "training")
        command = re.search(r"More daemons join with: (.*)", self.screen()).group(1)
        self.assertIn("--key-file '", command)
        # As a person would paste it.
        joined = subprocess.run(["sh", "-c", f"exec {command} --out '{self.directory}/late' --threads 1"], env=clean_environment(),
                                capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(joined.returncode, 0, joined.stderr)
        self.assertEqual(script.wait(60), 0, self.screen())
        models = {(self.directory / name / "model.liblinear").read_bytes() for name in ["out/node-1", "out/node-2", "late"]}
        self.assertEqual(len(models), 1)

    def test_too_little_memory_is_told_before_anything_starts(self):
        ended = self.run_script("async", "1000", "1", TRAIN="synth:rcv1?n=1000", TEST="synth:rcv1?n=400000&part=test")
        self.assertEqual(ended.returncode, 1, ended.stdout + ended.stderr)
        self.assertRegex(ended.stderr, r"1000 daemons need \d+ MiB of memory \(.* MiB each\), and \d+ MiB are available")
        self.assert_nothing_is_left()


if __name__ == "__main__":
    unittest.main()
