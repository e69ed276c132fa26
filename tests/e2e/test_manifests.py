"""manifests/ and what run.sh does with them, without a cluster: rendered, checked, recorded, and started as processes."""

import copy
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from kubernetes_schema import faults
from swarm import HOGWILD, REPOSITORY, SwarmTest, clean_environment, needs_tool, run, wait_until
from test_network import NETLAB, WHY_NOT

try:
    import yaml
except ImportError:
    yaml = None

MANIFESTS = REPOSITORY / "manifests"
FORMS = ["async", "sync", "job", "secure", "monitoring"]
OPERATOR_KINDS = ["PodMonitor", "PrometheusRule"]  # their schemas come with the Prometheus operator
KUBECTL = shutil.which("kubectl")
MISSING = "kubectl is not here" if KUBECTL is None else "" if yaml else "python3-yaml is not installed"


def render(directory):
    """The objects of a kustomization."""
    rendered = subprocess.run([KUBECTL, "kustomize", directory], capture_output=True, text=True, check=True, timeout=60)
    return list(yaml.safe_load_all(rendered.stdout))


def of_kind(objects, kind, name="hogwild"):
    found = [thing for thing in objects if thing["kind"] == kind and thing["metadata"]["name"] == name]
    assert len(found) == 1, (kind, name)
    return found[0]


def workload(objects):
    return next(thing for thing in objects if thing["kind"] in ["StatefulSet", "Job"])


@unittest.skipIf(MISSING, MISSING)
class Rendered(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.forms = {form: render(MANIFESTS / form) for form in FORMS}

    def test_every_object_is_what_kubernetes_takes(self):
        for form, objects in self.forms.items():
            for thing in objects:
                if thing["kind"] not in OPERATOR_KINDS:
                    with self.subTest(form=form, kind=thing["kind"]):
                        self.assertEqual(faults(thing), [])

    def test_the_check_finds_unknown_fields_and_wrong_values(self):
        good = of_kind(self.forms["async"], "StatefulSet")
        pod = ["spec", "template", "spec"]
        for path, value in [(["spec", "replica"], 3), (["spec", "replicas"], "3"), (["spec", "podManagementPolicy"], "parallel"),
                            ([*pod, "enableServiceLink"], False), ([*pod, "terminationGracePeriodSeconds"], "75"),
                            ([*pod, "containers", 0, "resources", "limits", "memory"], "1GiB"),
                            ([*pod, "containers", 0, "livenessProbe", "httpGet", "port"], [1]),
                            ([*pod, "containers", 0, "ports", 0, "protocol"], "UPD"),
                            (["metadata", "name"], "Hogwild"), (["kind"], "Statefulset")]:
            with self.subTest(path=path):
                bad = copy.deepcopy(good)
                at = bad
                for step in path[:-1]:
                    at = at[step]
                at[path[-1]] = value
                self.assertNotEqual(faults(bad), [])

    def test_what_names_something_names_what_is_there(self):
        for form, objects in self.forms.items():
            with self.subTest(form=form):
                names = {(thing["kind"], thing["metadata"]["name"]) for thing in objects}
                spec = workload(objects)["spec"]
                pod = spec["template"]["spec"]
                container = pod["containers"][0]
                labels = spec["template"]["metadata"]["labels"]
                ports = {port["name"]: port for port in container["ports"]}
                self.assertIn(("Service", spec.get("serviceName", pod.get("subdomain"))), names)
                self.assertIn(("ServiceAccount", pod["serviceAccountName"]), names)
                self.assertIn(("ConfigMap", container["envFrom"][0]["configMapRef"]["name"]), names)
                self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, {each["name"] for each in pod["volumes"]})
                for thing in objects:
                    if thing["kind"] == "Service":
                        self.assertLessEqual(thing["spec"]["selector"].items(), labels.items())
                        for port in thing["spec"]["ports"]:
                            target = ports[port["targetPort"]]
                            self.assertEqual((target["containerPort"], target["protocol"]), (port["port"], port["protocol"]))
                    if thing["kind"] == "PodDisruptionBudget":
                        self.assertLessEqual(thing["spec"]["selector"]["matchLabels"].items(), labels.items())
                for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
                    self.assertIn(container[probe]["httpGet"]["port"], ports)
                # Others of the namespace may ask over HTTP: no label crept into that rule.
                policy = of_kind(objects, "NetworkPolicy")["spec"]
                self.assertIn([{"podSelector": {}}], [rule["from"] for rule in policy["ingress"]])

    def test_pods_are_restricted_and_leave_in_time(self):
        for form, objects in self.forms.items():
            with self.subTest(form=form):
                spec = workload(objects)["spec"]
                pod = spec["template"]["spec"]
                container = pod["containers"][0]
                # The Pod Security Standard "restricted", and no writable root.
                self.assertTrue(pod["securityContext"]["runAsNonRoot"])
                self.assertEqual(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
                self.assertEqual(container["securityContext"]["capabilities"], {"drop": ["ALL"]})
                self.assertFalse(container["securityContext"]["allowPrivilegeEscalation"])
                self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
                self.assertFalse(pod["automountServiceAccountToken"] or pod["enableServiceLinks"])
                self.assertIn("memory", container["resources"]["limits"])
                self.assertIn("cpu", container["resources"]["requests"])
                self.assertNotIn("cpu", container["resources"]["limits"])
                self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], 60)
                if "completions" in spec:
                    self.assertEqual([spec["completionMode"], pod["restartPolicy"]], ["Indexed", "Never"])
                else:
                    self.assertEqual(spec["podManagementPolicy"], "Parallel")
                gossip = of_kind(objects, "Service", "hogwild-gossip")["spec"]
                self.assertEqual([gossip["clusterIP"], gossip["publishNotReadyAddresses"]], ["None", True])

    def test_forms_differ_where_they_should(self):
        settings = {form: of_kind(objects, "ConfigMap")["data"] for form, objects in self.forms.items()}
        self.assertEqual({form: data["HOGWILD_MODE"] for form, data in settings.items()},
                         {form: "sync" if form == "sync" else "async" for form in FORMS})
        self.assertEqual(settings["job"]["HOGWILD_ON_FINISH"], "exit")
        self.assertEqual([settings["async"]["HOGWILD_INSECURE"], settings["secure"]["HOGWILD_INSECURE"]], ["true", "false"])
        pod = workload(self.forms["secure"])["spec"]["template"]["spec"]
        secret = next(each["secret"] for each in pod["volumes"] if each["name"] == "secrets")
        self.assertEqual(secret, {"secretName": "hogwild-secrets", "defaultMode": 0o440})

    @needs_tool("promtool")
    def test_alerts_are_rules_of_prometheus_and_ask_for_metrics_that_there_are(self):
        rules = of_kind(self.forms["monitoring"], "PrometheusRule")["spec"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(rules, file)
            file.flush()
            checked = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False,
                                     timeout=30)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        dashboard = json.loads(of_kind(self.forms["monitoring"], "ConfigMap", "hogwild-dashboard")["data"]["hogwild.json"])
        asked = set(re.findall(r"(?:hogwild|process)_[a-z_]+", json.dumps(rules) + json.dumps(dashboard["panels"])))
        source = "".join(path.read_text() for path in sorted((REPOSITORY / "http").glob("*.cpp")))
        there = set(re.findall(r"(?:hogwild|process)_[a-z_]+", source))
        self.assertGreater(len(asked), 15)
        self.assertEqual({name for name in asked if name.removesuffix("_bucket") not in there}, set())


RECORDER = """#!/usr/bin/env python3
# kubectl as run.sh sees it: writes down what it is asked, and answers from the files beside it.
import json, os, pathlib, subprocess, sys, time
here = pathlib.Path(os.environ["RECORD"])
words = sys.argv[1:]
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
if words[:1] == ["--namespace"]:
    words = words[2:]
if words[0] == "config":
    print("kind-test" if words[1] == "current-context" else "")
elif words[0] == "auth":
    answer = (here / "allowed").read_text()
    print(answer)
    sys.exit(0 if answer == "yes" else 1)
elif words[0] == "apply":
    (here / "applied.yaml").write_text(subprocess.run([REAL, "kustomize", words[2]], capture_output=True, text=True, check=True).stdout)
elif words[0] == "get":
    print((here / "there").read_text() if "statefulset,job" in words else "pod/hogwild-0")
elif words[0] == "logs":
    sys.stdout.write((here / "logs").read_text())
    sys.stdout.flush()
    time.sleep(30)
elif words[0] in ["rollout", "delete"]:
    print(words[0], "done")
else:
    sys.exit("unexpected: " + " ".join(words))
"""


def pod_lines(count):
    """What the pods of a run say."""
    for number in range(count):
        head = f"[pod/hogwild-{number}/hogwild] 2026-01-01T00:00:0{number}.000Z event="
        yield head + f"started name=hogwild-{number} id=0 gossip=10.0.0.{number}:7420"
        yield head + "evaluation t_seconds=1.5 epoch=0.5 updates=100 train_loss=0.3 test_loss=0.25 test_accuracy=0.93"
        yield head + "result test_accuracy=0.9445 test_loss=0.21 objective=0.26 updates=1000 epochs=5 seconds=2.5 " \
                     "stop_reason=epochs digest=00ff00ff00ff00ff partial=false files=/var/lib/hogwild/out"
    yield "[pod/hogwild-0/hogwild] 2026-01-01T00:00:09.000Z event=link file=report.json url=https://example.org/r"


class WithRecorder(SwarmTest):
    """run.sh with a kubectl that records."""

    def setUp(self):
        super().setUp()
        tools = self.directory / "tools"
        tools.mkdir()
        (tools / "kubectl").write_text(RECORDER.replace("REAL", repr(KUBECTL)))
        (tools / "kubectl").chmod(0o755)
        (self.directory / "allowed").write_text("yes")
        (self.directory / "there").write_text("")
        self.path = f"{tools}:{os.environ['PATH']}"

    def run_script(self, *arguments, **more):
        environment = clean_environment(**{"PATH": self.path, "TARGET": "kubernetes", "RECORD": str(self.directory), "UPLOAD": "none",
                                           "TMPDIR": str(self.directory), "IMAGE": "registry.example:5000/team/hogwild:1.2", **more})
        return subprocess.run(["sh", REPOSITORY / "run.sh", *arguments], env=environment, capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, check=False)

    def calls(self):
        path = self.directory / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def applied(self):
        return list(yaml.safe_load_all((self.directory / "applied.yaml").read_text()))


@unittest.skipIf(MISSING, MISSING)
class Deployed(WithRecorder):

    def test_a_run_is_deployed_followed_and_its_result_told(self):
        (self.directory / "logs").write_text("\n".join(pod_lines(10)) + "\n")
        ended = self.run_script("async", "10", "2", NAMESPACE="lab", HOGWILD_MAX_TIME="60s", HOGWILD_THREADS="2",
                                HOGWILD_LAMBDA="1e-5")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertRegex(ended.stdout, r"accuracy +94\.45 %")
        self.assertIn("model identical on all 10 nodes", ended.stdout)
        self.assertRegex(ended.stdout, r"link +report\.json +https://example\.org/r")
        self.assertIn("kubectl --namespace lab port-forward service/hogwild-http 7421:7421", ended.stdout)
        self.assertEqual(list(self.directory.glob("hogwild-run.*")), [])
        self.assertTrue(all(call[:2] == ["--namespace", "lab"] for call in self.calls()))
        self.assertNotIn("delete", [call[2] for call in self.calls()])

        objects = self.applied()
        for thing in objects:
            self.assertEqual(faults(thing), [])
            self.assertEqual(thing["metadata"]["labels"]["hogwild.deployed-by"], "run.sh")
        settings = of_kind(objects, "ConfigMap")["data"]
        self.assertLessEqual({"HOGWILD_MODE": "async", "HOGWILD_EXPECT": "10", "HOGWILD_LOG_LEVEL": "2", "HOGWILD_UPLOAD": "none",
                              "HOGWILD_MAX_TIME": "60s", "HOGWILD_LAMBDA": "1e-5", "HOGWILD_INSECURE": "false",
                              "HOGWILD_JOIN": "hogwild-gossip:7420"}.items(), settings.items())
        spec = of_kind(objects, "StatefulSet")["spec"]
        container = spec["template"]["spec"]["containers"][0]
        self.assertEqual([spec["replicas"], container["image"], str(container["resources"]["requests"]["cpu"])],
                         [10, "registry.example:5000/team/hogwild:1.2", "2"])
        self.assertEqual(set(of_kind(objects, "Secret", "hogwild-secrets")["data"]), {"cluster.key", "http.token"})

    def test_down_takes_away_what_it_deployed_and_nothing_else(self):
        ended = self.run_script("down", TARGET="local")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        deletions = [call for call in self.calls() if "delete" in call]
        self.assertEqual(len(deletions), 1)
        self.assertIn("--selector=hogwild.deployed-by=run.sh", deletions[0])
        self.assertFalse({"--all", "namespace", "all"} & set(deletions[0]))

    def test_what_is_missing_is_told_in_clear_words(self):
        (self.directory / "there").write_text("statefulset.apps/hogwild\n")
        (self.directory / "logs").write_text("")
        for code, words, arguments in [(1, "sh run.sh down", {}), (2, "pods do not see this machine's files", {"TRAIN": "/x/y.svm"}),
                                       (2, "DATA_CLAIM", {"TRAIN": "/data/y.svm"}), (1, "is not installed", {"KUBECTL": "nokubectl"}),
                                       (2, "HOGWILD_GOSSIP is decided by manifests/", {"HOGWILD_GOSSIP": "x:1", "THERE": ""})]:
            with self.subTest(words=words):
                if "THERE" in arguments:
                    (self.directory / "there").write_text(arguments.pop("THERE"))
                ended = self.run_script("async", "2", **arguments)
                self.assertEqual(ended.returncode, code, ended.stdout + ended.stderr)
                self.assertIn(words, ended.stderr)
        (self.directory / "allowed").write_text("no")
        self.assertIn("may not create a StatefulSet", self.run_script("async", "2").stderr)
        self.assertFalse([call for call in self.calls() if "apply" in call])


@unittest.skipIf(MISSING or WHY_NOT, MISSING or WHY_NOT)
class AsProcesses(WithRecorder):
    """The argv and the environment that pods would get, on hosts of their own, with names as a headless Service has them."""

    HOSTS = 6  # five for pods, the last one for names

    def setUp(self):
        super().setUp()
        self.lab = clean_environment(NETLAB_NAME=f"pods{os.getpid()}")
        self.netlab("up", self.HOSTS)
        self.addCleanup(self.netlab, "down")
        self.names = self.directory / "names.json"
        self.name_addresses({})
        self.netlab("spawn", self.HOSTS, self.directory / "dns.log", "python3",
                    pathlib.Path(__file__).with_name("headless_dns.py"), f"10.77.0.{self.HOSTS}", self.names)
        (self.directory / "resolv.conf").write_text(f"nameserver 10.77.0.{self.HOSTS}\nsearch lab.svc.cluster.local\noptions timeout:1\n")

    def netlab(self, *arguments):
        return subprocess.run([NETLAB, *map(str, arguments)], capture_output=True, text=True, check=True, timeout=60,
                              env=self.lab).stdout

    def name_addresses(self, records):
        part = self.names.with_suffix(".part")
        part.write_text(json.dumps(records))
        part.replace(self.names)

    def service(self, *hosts):
        self.name_addresses({"hogwild-gossip": [f"10.77.0.{host}" for host in hosts]})

    def pod(self, host, name):
        """Starts what the StatefulSet would start in pod `name`, at the address of `host`; the process id."""
        container = of_kind(self.objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
        files = self.directory / f"{name}-{host}"
        files.mkdir()
        for key, text in of_kind(self.objects, "Secret", "hogwild-secrets")["data"].items():
            decoded = subprocess.run(["base64", "-d"], input=text.encode(), capture_output=True, check=True).stdout
            (files / key).touch(mode=0o440)
            (files / key).write_bytes(decoded)
        environment = dict(of_kind(self.objects, "ConfigMap")["data"])
        for variable in container["env"]:
            source = variable["valueFrom"]
            field = source.get("fieldRef", {}).get("fieldPath") or source["resourceFieldRef"]["resource"]
            environment[variable["name"]] = {"metadata.name": name, "status.podIP": f"10.77.0.{host}", "requests.cpu": "1"}[field]
        for mount in container["volumeMounts"]:
            environment = {key: value.replace(mount["mountPath"], str(files)) for key, value in environment.items()}
        # The image's entry point is the program; its resolver reads the pod's resolv.conf.
        script = f"mount --bind {self.directory}/resolv.conf /etc/resolv.conf && exec env -i \"$@\""
        return int(self.netlab("spawn", host, self.directory / f"{name}-{host}.log", "unshare", "--mount", "sh", "-c", script, "sh",
                               *[f"{key}={value}" for key, value in environment.items()], HOGWILD, *container["args"]))

    def status(self, host):
        answer = subprocess.run([NETLAB, "exec", str(host), HOGWILD, "status", "--json"], capture_output=True, text=True,
                                check=False, timeout=60, env=self.lab)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def await_status(self, host, condition, what, limit=40):
        def ask():
            status = self.status(host)
            return status if status and condition(status) else None
        try:
            return wait_until(ask, f"host {host}: {what}", limit)
        except AssertionError as error:
            logs = "\n".join(f"--- {path.name}\n{path.read_text()[-1500:]}" for path in sorted(self.directory.glob("*.log")))
            raise AssertionError(f"{error}\n{self.status(host)}\n{logs}") from None

    def test_pods_find_each_other_scale_move_and_end_equal(self):
        (self.directory / "logs").write_text("\n".join(pod_lines(3)) + "\n")
        ended = self.run_script("async", "3", "2", TRAIN="synth:rcv1?n=20000", TEST="synth:rcv1?n=2000&part=test",
                                HOGWILD_RATE="4000", HOGWILD_MAX_TIME="12s", HOGWILD_LOSS_INTERVAL="500ms")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.objects = self.applied()

        # The name is not there at first. Then it has each pod's own address too, and one where nobody listens yet.
        first = {number: self.pod(number, f"hogwild-{number - 1}") for number in [1, 2, 3]}
        wait_until(lambda: "no answer" in self.log(1) or self.status(1), "the first pod answers over HTTP")
        self.assertEqual(self.status(1)["cluster"]["members"]["alive"], 1)
        self.service(1, 2, 3, 5)
        for host in [1, 2, 3]:
            self.await_status(host, lambda s: s["cluster"]["members"]["alive"] == 3, "3 alive")
        self.await_status(1, lambda s: s["node"]["state"] == "training", "training")

        # kubectl scale --replicas=4
        self.service(1, 2, 3, 4)
        fourth = self.pod(4, "hogwild-3")
        self.await_status(4, lambda s: s["cluster"]["members"]["alive"] == 4, "4 alive")
        # A pod is lost and comes again under its name at another address.
        os.kill(first[2], signal.SIGKILL)
        self.service(1, 3, 4, 5)
        self.pod(5, "hogwild-1")
        self.await_status(5, lambda s: s["cluster"]["members"]["alive"] == 4, "4 alive again")
        self.await_status(1, lambda s: s["cluster"]["members"]["alive"] == 4, "the moved pod instead of the lost one")
        # kubectl scale --replicas=3: the last one is told to end.
        os.kill(fourth, signal.SIGTERM)
        self.await_status(1, lambda s: s["cluster"]["members"]["left"] >= 1, "one has left")

        digests = set()
        for host in [1, 3, 5]:
            status = self.await_status(host, lambda s: s["node"]["state"] == "finished", "finished")
            digests.add(status["replica"]["state_digest"])
            self.assertGreater(status["training"]["test_accuracy"], 0.85)
        self.assertEqual(len(digests), 1)

    def log(self, host):
        return "".join(path.read_text() for path in self.directory.glob(f"hogwild-*-{host}.log"))


if __name__ == "__main__":
    unittest.main()
