"""Daemons as real processes, for tests: started, watched, and ended by this module alone.

Ports are chosen by the kernel and read from each daemon's `started` line. Everything has a time limit. A process is
only ever signalled through the handle that started it.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
HOGWILD = pathlib.Path(os.environ.get("E2E_HOGWILD", REPOSITORY / "build" / "daemon" / "hogwild"))
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
LIMIT_SECONDS = 60  # of any single wait; a loaded machine is slow

# Small enough to be quick, large enough to train on.
SYNTHETIC_TRAIN = "synth:rcv1?n=20000"
SYNTHETIC_TEST = "synth:rcv1?n=2000&part=test"
FILES = ["all_logs.txt", "filtered_logs.txt", "model.liblinear", "report.html", "report.json", "train_stats.csv",
         "val_stats.csv", "weights.csv"]


def clean_environment(**more):
    """The environment without HOGWILD_* of whoever runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HOGWILD_")}
    return {**kept, **more}


def wait_until(condition, what, limit=LIMIT_SECONDS):
    """The first true value of condition(), asked again and again."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.02)


def run(*arguments, limit=LIMIT_SECONDS, **options):
    """`hogwild ARGUMENTS...` to its end."""
    options.setdefault("env", clean_environment())
    return subprocess.run([HOGWILD, *map(str, arguments)], capture_output=True, text=True, timeout=limit,
                          stdin=subprocess.DEVNULL, check=False, **options)


def cache(source, name):
    """A cache of the rows of `source`, which is mapped: making them would take each daemon a second."""
    path = pathlib.Path(CACHES.name) / name
    made = run("data", "convert", source, path)
    if made.returncode != 0:
        raise RuntimeError(made.stderr)
    return str(path)


CACHES = tempfile.TemporaryDirectory(prefix="hogwild-e2e-caches-")
TRAIN = cache(SYNTHETIC_TRAIN + "&part=train", "train.hwd")
TEST = cache(SYNTHETIC_TEST, "test.hwd")


def free_port():
    """A TCP port that was free a moment ago; whoever takes it must be ready to fail and ask again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Node:
    """One `hogwild node`."""

    def __init__(self, directory, name, arguments, called=None):
        self.name = name
        self.out = directory / name
        self._log = directory / f"{name}.log"
        self._stdout = directory / f"{name}.out"
        usual = {"--gossip": "127.0.0.1:0", "--http": "127.0.0.1:0", "--threads": "1"}
        given = [part for flag, value in usual.items() if flag not in arguments for part in (flag, value)]
        with self._log.open("wb") as log, self._stdout.open("wb") as stdout:
            self.process = subprocess.Popen(
                [HOGWILD, "node", "--name", called or name, *given, "--out", str(self.out), *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=log, env=clean_environment())

    @property
    def log(self):
        return self._log.read_text(errors="replace")

    @property
    def stdout(self):
        return self._stdout.read_text(errors="replace")

    def await_started(self):
        def ports():
            found = re.search(r" event=started .*?gossip=(\S+) http=\"?http://([^\s\"]+)", self.log)
            if not found and self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log}")
            return found
        found = wait_until(ports, f"{self.name} started")
        self.gossip, self.http = found.group(1), found.group(2)
        return self

    def request(self, path, method="GET", headers=None, body=None):
        """(status, headers, text) of one request."""
        host, port = self.http.rsplit(":", 1)
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=10)) as connection:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode(errors="replace")

    def json(self, path):
        status, _, text = self.request(path)
        assert status == 200, f"{path}: {status} {text}"
        return json.loads(text)

    def status(self):
        return self.json("/v1/status")

    def await_status(self, condition, what, limit=LIMIT_SECONDS):
        def ask():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode} before: {what}\n{self.log}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                status = self.status()
                return condition(status) and status
            return None
        return wait_until(ask, f"{self.name}: {what}", limit)

    def await_training(self):
        return self.await_status(lambda s: (s["training"]["updates_total"] or 0) > 0, "training")

    def await_alive(self, count):
        return self.await_status(lambda s: s["cluster"]["members"]["alive"] == count, f"{count} members alive")

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, limit=LIMIT_SECONDS):
        """The exit code."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {limit} s:\n{self.log[-4000:]}") from None

    def await_log(self, text):
        return wait_until(lambda: text in self.log, f"{self.name}: {text}")

    def report(self):
        return json.loads((self.out / "report.json").read_text())

    def digest(self):
        return self.report()["result"]["state_digest"]


class SwarmTest(unittest.TestCase):
    """A test with a directory of its own, whose daemons are gone when it ends."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hogwild-e2e-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.nodes = []
        self.addCleanup(self._end_nodes)

    def _end_nodes(self):
        for node in self.nodes:
            if node.process.poll() is None:
                node.process.kill()
            node.process.wait()

    def launch(self, name, *arguments, called=None):
        """A node, perhaps one that does not get far; `called` is its --name where that is not `name`."""
        node = Node(self.directory, name, arguments, called)
        self.nodes.append(node)
        return node

    def start(self, name, *arguments, called=None):
        return self.launch(name, *arguments, called=called).await_started()

    def start_swarm(self, count, *arguments, expect=None, data=("--train", TRAIN, "--test", TEST)):
        """So many nodes, all joining through the first."""
        common = [*data, "--expect", expect or count, *arguments]
        nodes = [self.start("node-1", *common)]
        for number in range(2, count + 1):
            nodes.append(self.start(f"node-{number}", *common, "--join", nodes[0].gossip))
        return nodes

    def assert_same_result(self, nodes, accuracy=0.85):
        """All nodes ended well with one state and one model."""
        for node in nodes:
            self.assertEqual(node.end(), 0, f"{node.name}:\n{node.log[-4000:]}")
        reports = [node.report() for node in nodes]
        self.assertRegex(reports[0]["result"]["state_digest"], r"^[0-9a-f]{16}$")
        self.assertEqual(len({report["result"]["state_digest"] for report in reports}), 1,
                         {node.name: node.digest() for node in nodes})
        for name in ["model.liblinear", "weights.csv", "val_stats.csv"]:
            self.assertEqual(len({(node.out / name).read_bytes() for node in nodes}), 1, f"{name} differs")
        self.assertGreaterEqual(reports[0]["result"]["test_accuracy"], accuracy)
        self.assertFalse(reports[0]["result"]["partial"], reports[0]["result"])
        return reports[0]


def needs_tool(name):
    """Skips a test where a program is missing; where everything must be there, tests/run.sh counts that as failed."""
    return unittest.skipIf(shutil.which(name) is None and not pathlib.Path("/usr/sbin", name).exists(),
                           f"{name} is not installed")


SIGKILL, SIGTERM, SIGINT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
