"""A storm: nodes are killed, stopped, restarted, sent away and joined by a seeded script while they train.

    HOGWILD_STORM_SECONDS=120 HOGWILD_STORM_NODES=10 HOGWILD_STORM_SEED=7 python3 -m unittest test_storm

At the end all that are there hold one state and one model.
"""

import os
import random
import signal
import time
import unittest

from swarm import SIGKILL, SIGTERM, TEST, SwarmTest, run

SECONDS = float(os.environ.get("HOGWILD_STORM_SECONDS", "6"))
NODES = int(os.environ.get("HOGWILD_STORM_NODES", "5"))
SEED = int(os.environ.get("HOGWILD_STORM_SEED", str(random.SystemRandom().randrange(10**6))))


class Storm(SwarmTest):

    def storm(self, *mode):
        draw = random.Random(SEED)
        print(f"storm: HOGWILD_STORM_SEED={SEED}", flush=True)
        train = self.directory / "train.hwd"
        self.assertEqual(run("data", "convert", "synth:rcv1?n=20000", self.directory / "train.svm").returncode, 0)
        self.assertEqual(run("data", "convert", self.directory / "train.svm", train).returncode, 0)
        options = ["--rate", "5000", *mode]
        founding = ["--train", train, "--test", TEST, "--expect", "2", "--early-stopping", "0",
                    "--max-time", "3600s"]
        up = [self.start("node-0", *founding, *options)]
        births = 0

        def join(called=None):
            nonlocal births
            births += 1
            # Two, since one may be killed before it has answered.
            running = [node for node in up if node not in stopped]
            through = [word for node in draw.sample(running, min(2, len(running))) for word in ["--join", node.gossip]]
            # Half of them come with nothing but a peer.
            data = founding if draw.random() < 0.5 else []
            up.append(self.launch(f"node-{births}", *through, *data, *options, called=called).await_started())

        stopped = {}  # node: when it goes on
        while len(up) < NODES:
            join()
        up[0].await_training()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(draw.uniform(0.05, 0.8))
            for node, until in list(stopped.items()):
                if time.monotonic() >= until:
                    node.signal(signal.SIGCONT)
                    del stopped[node]
            running = [node for node in up if node not in stopped]
            action = draw.choice(["kill", "leave", "stop", "join", "join", "restart"])
            victim = draw.choice(running)
            if action == "join" and len(up) < 2 * NODES:
                join()
            elif action == "stop" and len(running) > 2:
                victim.signal(signal.SIGSTOP)
                stopped[victim] = time.monotonic() + draw.uniform(0.2, 6)
            elif action in ["kill", "restart", "leave"] and len(running) > 3:
                up.remove(victim)
                victim.signal(SIGTERM if action == "leave" else SIGKILL)
                if action == "leave":
                    self.assertEqual(victim.end(), 0, victim.log[-3000:])
                if action == "restart":
                    join(called=victim.name)
        for node in stopped:
            node.signal(signal.SIGCONT)
        for node in up:
            node.await_status(lambda status: status["run"]["id"] is not None, "in the run")
        self.assertEqual(up[0].request("/v1/stop?reason=calm", method="POST")[0], 202)
        report = self.assert_same_result(up, accuracy=0.8)
        self.assertEqual(report["result"]["stop_reason"], "calm")

    def test_a_storm_ends_with_one_model(self):
        self.storm()

    def test_a_storm_in_rounds_ends_with_one_model(self):
        self.storm("--mode", "sync")


if __name__ == "__main__":
    unittest.main()
