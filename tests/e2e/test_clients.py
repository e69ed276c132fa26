"""The commands that ask a node, as people at a terminal and scripts behind a pipe use them."""

import json
import re
import subprocess
import unittest

from swarm import HOGWILD, SIGINT, SIGKILL, TEST, TRAIN, SwarmTest, clean_environment, free_port, run
from terminal import Terminal, without_controls


class OneNode(SwarmTest):

    def setUp(self):
        super().setUp()
        self.node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "1", "--on-finish", "serve")
        self.node.await_status(lambda s: s["node"]["state"] == "finished", "finished")

    def watch(self, *arguments):
        """A client behind a pipe."""
        process = subprocess.Popen([HOGWILD, *arguments, self.node.http, "--interval", "100ms"], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
        return process

    def test_a_pipe_gets_a_fact_a_line_and_json_is_what_the_node_says(self):
        facts = dict(line.split(maxsplit=1) for line in run("status", self.node.http).stdout.splitlines())
        self.assertEqual((facts["node.name"], facts["node.state"]), ("node-1", "finished"))
        for name, key in [("status", "node"), ("members", "members")]:
            self.assertIn(key, json.loads(run(name, "--format", "json", self.node.http).stdout))
        self.assertEqual(run("status", f"http://{self.node.http}/").returncode, 0)

    def test_a_terminal_of_80_columns_holds_every_line(self):
        for command in ["status", "members"]:
            with Terminal([HOGWILD, command, self.node.http]) as terminal:
                self.assertEqual(terminal.end(), 0)
                text = terminal.read()
                self.assertIn("node-1", text)
                self.assertLessEqual(max(map(len, text.splitlines())), 80, text)

    def test_watching_from_a_pipe_appends_lines_until_the_node_ends(self):
        process = self.watch("status", "--watch")
        lines = [process.stdout.readline() for _ in range(2)]
        for line in lines:
            self.assertRegex(line, r"^\S+Z state=finished alive=1 epoch=1\.\d+ updates=\d+ ")
        members = self.watch("members", "--watch")
        self.assertRegex(members.stdout.readline(), "name=node-1 state=alive")
        self.assertEqual(run("leave", self.node.http).returncode, 0)
        self.assertEqual(self.node.end(), 0)
        for client in [process, members]:
            _, errors = client.communicate(timeout=30)
            self.assertEqual(client.returncode, 0, errors)
            self.assertIn("has ended", errors)

    def test_json_is_watched_as_an_object_a_line_and_ctrl_c_ends_it(self):
        process = self.watch("status", "--watch", "--format", "json")
        for _ in range(2):
            self.assertEqual(json.loads(process.stdout.readline())["node"]["name"], "node-1")
        process.send_signal(SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)

    def test_watching_on_a_terminal_redraws_in_place(self):
        for command in [["status", "--watch"], ["members", "--watch"], ["top"]]:
            with Terminal([HOGWILD, *command, self.node.http, "--interval", "100ms"], rows=30) as terminal:
                terminal.await_text(r"(?s)\x1b\[Hn.*\x1b\[Hn.*\x1b\[J")
                if command == ["top"]:
                    self.assertIn("event=result", terminal.read())
                terminal.process.send_signal(SIGINT)
                self.assertEqual(terminal.end(), 130)
                frames = terminal.read().split("\x1b[H")
                for frame in frames:
                    lines = without_controls(frame).splitlines()
                    self.assertLessEqual(len(lines), 30, frame)
                    self.assertLessEqual(max(map(len, lines), default=0), 80, frame)

    def test_a_killed_node_ends_what_watches_it(self):
        with Terminal([HOGWILD, "top", self.node.http, "--interval", "100ms"]) as terminal:
            terminal.await_text(r"\x1b\[J")
            self.node.signal(SIGKILL)
            self.assertEqual(terminal.end(), 0)
            self.assertIn("has ended", terminal.read())


class Refusals(SwarmTest):

    def test_nobody_there_says_where_and_what_to_look_at(self):
        port = free_port()
        for command in [["status"], ["members", "--watch"], ["top"], ["stop"], ["leave"]]:
            ended = run(*command, f"127.0.0.1:{port}")
            self.assertEqual((ended.returncode, ended.stdout), (1, ""))
            self.assertIn(f"127.0.0.1:{port}: Connection refused", ended.stderr)

    def test_a_missing_or_wrong_token_is_exit_4_and_says_which_flag(self):
        token, other = self.directory / "token", self.directory / "other"
        token.write_text("secret\n")
        other.write_text("wrong\n")
        node = self.start("node-1", "--mode", "idle", "--http-token-file", token)
        missing = run("leave", node.http)
        wrong = run("leave", node.http, "--http-token-file", other)
        for ended in [missing, wrong]:
            self.assertEqual(ended.returncode, 4, ended.stderr)
            self.assertIn("--http-token-file", ended.stderr)
            self.assertNotIn("wrong\n", ended.stderr)
        self.assertEqual(run("leave", node.http, "--http-token-file", self.directory / "none").returncode, 2)
        no_run = run("stop", node.http, "--http-token-file", token)
        self.assertEqual(no_run.returncode, 1)
        self.assertIn("no run is under way", no_run.stderr)
        self.assertEqual(run("leave", node.http, "--http-token-file", token).returncode, 0)
        self.assertEqual(node.end(), 0)


class LiveLine(SwarmTest):

    def test_a_node_on_a_terminal_shows_how_it_goes_below_its_log(self):
        with Terminal([HOGWILD, "node", "--name", "node-1", "--gossip", "127.0.0.1:0", "--http", "127.0.0.1:0", "--train",
                       TRAIN, "--test", TEST, "--rate", "20000", "--max-time", "60s", "--loss-interval", "300ms",
                       "--threads", "1", "--out", self.directory / "node-1"], columns=100) as terminal:
            terminal.await_text(r"\rtraining  epoch \d+\.\d+ .*?left")
            http = re.search(r"http=\"?http://([\d.:]+)", without_controls(terminal.read())).group(1)
            self.assertEqual(run("stop", http, "--reason", "seen enough").returncode, 0)
            self.assertEqual(terminal.end(), 0)
            self.assertTrue(terminal.read().endswith("\r\x1b[K"), "the live line is still there")
        report = json.loads((self.directory / "node-1" / "report.json").read_text())
        self.assertEqual(report["result"]["stop_reason"], "seen enough")

    def test_a_pipe_gets_no_live_line(self):
        node = self.start("node-1", "--train", TRAIN, "--epochs", "1")
        self.assertEqual(node.end(), 0)
        self.assertNotIn("\r", node.log)
        self.assertNotIn("\x1b", node.log)


if __name__ == "__main__":
    unittest.main()
