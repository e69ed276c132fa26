"""Several hosts: network namespaces with loss, cuts and partitions, under a key and with every core busy training."""

import json
import os
import pathlib
import re
import subprocess
import time
import unittest

from swarm import HOGWILD, REPOSITORY, TRAIN, SwarmTest, clean_environment, run, wait_until

NETLAB = REPOSITORY.parent / "shared" / "netlab" / "netlab"
HOSTS = 5
# The whole list takes a minute and a half; longer cuts by command.
PARTITION_SECONDS = float(os.environ.get("E2E_PARTITION_SECONDS", "30"))


def why_not():
    if not NETLAB.exists():
        return "netlab is not there"
    checked = subprocess.run([NETLAB, "check"], capture_output=True, text=True, check=False, timeout=30)
    return checked.stderr.strip() or "netlab cannot work here" if checked.returncode == 77 else ""


WHY_NOT = why_not()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class SeveralHosts(SwarmTest):

    def setUp(self):
        super().setUp()
        self.environment = clean_environment(NETLAB_NAME=f"hogwild{os.getpid()}")
        self.netlab("up", HOSTS)
        self.addCleanup(self.netlab, "down")
        key = self.directory / "key"
        key.touch(mode=0o600)
        key.write_text(run("keygen").stdout)
        self.key = key

    def netlab(self, *arguments):
        return subprocess.run([NETLAB, *map(str, arguments)], capture_output=True, text=True, check=True, timeout=60,
                              env=self.environment).stdout

    def log(self, host):
        return pathlib.Path(self.directory, f"h{host}.log").read_text(errors="replace")

    def start_hosts(self, *arguments):
        for host in range(1, HOSTS + 1):
            join = [] if host == 1 else ["--join", "10.77.0.1:7420"]
            self.netlab("spawn", host, self.directory / f"h{host}.log", HOGWILD, "node", "--name", f"h{host}",
                        "--gossip", f"10.77.0.{host}:7420", "--key-file", self.key, "--log-level", 2,
                        "--out", self.directory / f"out-{host}", *arguments, *join)
        self.await_counts(range(1, HOSTS + 1), alive=HOSTS, limit=30)

    def counts(self, host):
        answer = subprocess.run([NETLAB, "exec", str(host), HOGWILD, "status", "--json"], capture_output=True, text=True,
                                check=False, timeout=60, env=self.environment)
        return json.loads(answer.stdout)["cluster"]["members"] if answer.returncode == 0 else {}

    def await_counts(self, hosts, limit, **wanted):
        start = time.monotonic()
        for host in hosts:
            wait_until(lambda at=host: wanted.items() <= self.counts(at).items(), f"h{host} sees {wanted}", limit)
        return time.monotonic() - start

    def assert_nobody_was_buried(self):
        for host in range(1, HOSTS + 1):
            self.assertNotIn("member_failed", self.log(host), f"h{host}")

    def suspicions(self):
        return sum(len(re.findall("event=member_suspect", self.log(host))) for host in range(1, HOSTS + 1))

    def test_loss_with_every_core_busy_buries_nobody(self):
        # 20 threads on the machine's cores; 10 %, then 25 % of what leaves each host is lost.
        self.start_hosts("--train", TRAIN, "--threads", "4", "--max-time", "60s", "--early-stopping", "0", "--expect", HOSTS,
                         "--on-finish", "serve")
        for loss, seconds in [("10%", 8), ("25%", 12)]:
            self.netlab("loss", "all", loss)
            time.sleep(seconds)
        self.netlab("loss", "all", "off")
        self.assert_nobody_was_buried()
        self.assertLessEqual(self.suspicions(), 50)
        self.await_counts(range(1, HOSTS + 1), alive=HOSTS, limit=10)

    def test_a_one_way_cut_buries_nobody(self):
        self.start_hosts("--mode", "idle")
        self.netlab("cut", 1, 2, "--oneway")
        time.sleep(12)
        self.assert_nobody_was_buried()
        self.netlab("heal")
        self.await_counts(range(1, HOSTS + 1), alive=HOSTS, limit=10)

    def test_an_interface_gets_another_address(self):
        self.start_hosts("--mode", "idle")
        device = self.netlab("exec", 5, "ip", "-o", "-4", "address", "show", "to", "10.77.0.5").split()[1]
        self.netlab("exec", 5, "ip", "address", "del", "10.77.0.5/24", "dev", device)
        self.netlab("exec", 5, "ip", "address", "add", "10.77.0.105/24", "dev", device)
        # The process cannot be reached where it said it was; it, too, sees that it is alone.
        self.await_counts([1, 2, 3, 4], alive=4, dead=1, limit=30)
        self.netlab("spawn", 5, self.directory / "h5-again.log", HOGWILD, "node", "--name", "h5", "--gossip", "10.77.0.105:7420",
                    "--http", "127.0.0.1:7521", "--key-file", self.key, "--mode", "idle", "--out", self.directory / "out-5-again",
                    "--join", "10.77.0.1:7420")
        self.await_counts([1, 2, 3, 4], alive=5, limit=15)

    def test_a_partition_is_noticed_and_merged(self):
        self.start_hosts("--mode", "idle")
        start = time.monotonic()
        self.netlab("partition", "1,2|3,4,5")
        self.await_counts([1, 2], alive=2, dead=3, limit=20)
        self.await_counts([3, 4, 5], alive=3, dead=2, limit=20)
        self.assertLess(time.monotonic() - start, 15)
        time.sleep(max(0.0, PARTITION_SECONDS - (time.monotonic() - start)))
        self.netlab("heal")
        seconds = self.await_counts(range(1, HOSTS + 1), alive=HOSTS, limit=15)
        self.assertLess(seconds, 12)  # the dead are asked each 2 to 10 s


if __name__ == "__main__":
    unittest.main()
