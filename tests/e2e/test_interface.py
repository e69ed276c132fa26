"""The HTTP interface as programs use it: its own description, Prometheus, predictions, events, hostile clients."""

import contextlib
import http.client
import json
import socket
import subprocess
import time
import unittest
import urllib.parse

try:
    import jsonschema
except ImportError:
    jsonschema = None

from swarm import FILES, TEST, TRAIN, SwarmTest, free_port, needs_tool, run, wait_until

CLOSED_TYPES = ["application/json", "application/problem+json"]


def closed(schema):
    """The schema, where objects have no members but those that it names."""
    if isinstance(schema, dict):
        made = {key: closed(value) for key, value in schema.items()}
        if "properties" in made and "additionalProperties" not in made:
            made["additionalProperties"] = False
        return made
    return [closed(each) for each in schema] if isinstance(schema, list) else schema


@unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
class Description(SwarmTest):

    def check(self, node, doc, path, operation, url=None, method="GET", body=None):
        """One real answer against what the document says of it."""
        status, headers, text = node.request(url or path, method=method, body=body)
        where = f"{method} {url or path}: {status} {text[:300]}"
        self.assertIn(str(status), operation["responses"], where)
        response = operation["responses"][str(status)]
        if "$ref" in response:
            response = doc["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        kind = headers["Content-Type"].split(";")[0]
        self.assertIn(kind, response["content"], where)
        if kind in CLOSED_TYPES:
            schema = response["content"][kind]["schema"]
            validator = jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver.from_schema(doc))
            errors = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(json.loads(text))]
            self.assertEqual(errors, [], where)
        return status

    def check_all(self, node):
        doc = closed(node.json("/v1/openapi.json"))
        for schema in doc["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)
        seen = set()
        for path, methods in doc["paths"].items():
            for method, operation in methods.items():
                with self.subTest(node=node.name, method=method, path=path):
                    url = path.replace("{file}", "page.css" if "assets" in path else "report.json").replace("{id}", "0" * 32)
                    if path == "/v1/events" or method != "get":
                        continue
                    seen.add(self.check(node, doc, path, operation, url))
                    self.check(node, doc, path, operation, f"{url}?surely=wrong")
                    for parameter in operation.get("parameters", []):
                        for value in parameter["schema"].get("enum", []) if parameter["in"] == "query" else []:
                            self.check(node, doc, path, operation, f"{url}?{parameter['name']}={value}")
        actions = doc["paths"]
        self.check(node, doc, "/v1/predict", actions["/v1/predict"]["post"], method="POST", body="1 5:1\n")
        self.check(node, doc, "/v1/predict", actions["/v1/predict"]["post"], method="POST", body="1 0:1\n")
        self.check(node, doc, "/v1/stop", actions["/v1/stop"]["post"], method="POST")
        self.check(node, doc, "/v1/join", actions["/v1/join"]["post"], method="POST", body="{}")
        self.check(node, doc, "/v1/join", actions["/v1/join"]["post"], method="POST", body='{"address":"127.0.0.1:1"}')
        self.check(node, doc, "/v1/log-level", actions["/v1/log-level"]["put"], url="/v1/log-level?level=1", method="PUT")
        for member in node.json("/v1/members")["members"]:
            self.check(node, doc, "/v1/members/{id}", actions["/v1/members/{id}"]["delete"], url=f"/v1/members/{member['id']}", method="DELETE")
        self.check(node, doc, "/v1/members/{id}", actions["/v1/members/{id}"]["delete"], url="/v1/members/nobody", method="DELETE")
        self.check_events(node, doc)
        return seen

    def check_events(self, node, doc):
        kinds = {"status": "Status", "member": "Member", "coordinator": "Leaders", "evaluation": "HistoryPoint", "finished": "Finished"}
        first = node.json("/v1/status")["node"]["id"] + "-0"  # everything since the start
        for kind, data in events(node, first, lambda seen: len(seen) > 2):
            schema = {"$ref": f"#/components/schemas/{kinds[kind]}"}
            jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver.from_schema(doc)).validate(data)

    def test_every_answer_is_as_the_document_says(self):
        finished = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "2", "--on-finish", "serve")
        rounds = self.start("node-4", "--mode", "sync", "--train", TRAIN, "--test", TEST, "--epochs", "2", "--on-finish", "serve")
        idle = self.start("node-2", "--mode", "idle")
        peer = self.start("node-3", "--mode", "idle", "--join", idle.gossip)
        idle.await_alive(2)
        finished.await_status(lambda status: status["node"]["state"] == "finished", "finished")
        self.assertIn(200, self.check_all(finished))
        rounds.await_status(lambda status: status["node"]["state"] == "finished", "finished")
        self.check_all(rounds)
        peer.process.kill()
        self.check_all(idle)


def events(node, last_event_id, is_enough, limit=30):
    """What /v1/events says, [(type, data)], until is_enough(that)."""
    host, port = node.http.rsplit(":", 1)
    seen = []
    with socket.create_connection((host, int(port)), timeout=limit) as connection:
        connection.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {node.http}\r\nLast-Event-ID: {last_event_id}\r\n\r\n".encode())
        stream = connection.makefile("r", encoding="utf-8", newline="\n")
        kind = None
        for line in stream:
            if line.startswith("event: "):
                kind = line[7:].strip()
            elif line.startswith("data: "):
                seen.append((kind, json.loads(line[6:])))
                if is_enough(seen):
                    return seen
    return seen


class Events(SwarmTest):

    def test_a_run_is_told_from_its_first_evaluation_to_its_end(self):
        nodes = self.start_swarm(2, "--epochs", "3", "--on-finish", "serve")
        first = nodes[1].status()["node"]["id"] + "-0"
        seen = events(nodes[1], first, lambda seen: seen[-1][0] == "finished")
        kinds = [kind for kind, _ in seen]
        self.assertEqual(kinds[0], "status")
        self.assertIn(("node-1", "joined"), [(data["name"], data["change"]) for kind, data in seen if kind == "member"])
        self.assertIn("coordinator", kinds)
        told = [data for kind, data in seen if kind == "evaluation"]
        self.assertEqual(told, nodes[1].json("/v1/training/history")["points"])
        end = seen[-1][1]
        self.assertEqual(end["status"]["training"]["stop_reason"], "epochs")
        self.assertTrue(end["report"]["complete"])
        self.assertLessEqual(set(FILES), {file["name"] for file in end["report"]["files"]})


class Logs(SwarmTest):

    def test_levels_are_what_they_say_and_change_while_it_runs(self):
        nodes = self.start_swarm(2, "--max-time", "60s", "--rate", "4000", "--early-stopping", "0")
        nodes[0].await_training()

        def shown(event):
            return f" event={event} " in nodes[0].log

        def kept(level, event):
            return any(f" event={event} " in line["text"] for line in nodes[0].json(f"/v1/logs?level={level}&limit=10000")["lines"])
        wait_until(lambda: shown("evaluation"), "evaluations are shown")
        wait_until(lambda: kept(3, "sent") and kept(3, "received") and kept(2, "member_joined"), "all of it is kept")
        self.assertFalse(shown("sent") or shown("member_joined") or kept(2, "sent"))
        self.assertEqual(nodes[0].request("/v1/log-level?level=3", method="PUT")[0], 200)
        wait_until(lambda: shown("sent") and shown("received"), "traffic is shown")
        self.assertEqual(nodes[0].json("/v1/config")["settings"]["log-level"], 3)


class Predictions(SwarmTest):

    def test_they_are_those_of_the_command(self):
        node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "2", "--on-finish", "serve")
        node.await_status(lambda status: status["node"]["state"] == "finished", "finished")
        rows, model = self.directory / "rows.svm", self.directory / "model.bin"
        self.assertEqual(run("data", "synth", "synth:rcv1?n=300&part=test", rows).returncode, 0)
        host, port = node.http.rsplit(":", 1)
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=10)) as connection:
            connection.request("GET", "/v1/model.bin")
            model.write_bytes(connection.getresponse().read())
        status, headers, text = node.request("/v1/predict", method="POST", body=rows.read_bytes())
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; charset=utf-8"))
        self.assertEqual(text, run("predict", "--model", model, "--data", rows, "--scores").stdout)
        self.assertEqual(len(text.splitlines()), 300)
        tag = node.request("/v1/model.liblinear")[1]["ETag"]
        self.assertEqual(node.request("/v1/model.liblinear", headers={"If-None-Match": tag})[0], 304)


class RealPrometheus(SwarmTest):

    @needs_tool("prometheus")
    def test_it_scrapes_a_swarm_without_an_error(self):
        nodes = self.start_swarm(2, "--max-time", "60s", "--rate", "2000", "--early-stopping", "0")
        nodes[0].await_training()
        config = self.directory / "prometheus.yml"
        targets = ", ".join(f'"{node.http}"' for node in nodes)
        config.write_text("global: {scrape_interval: 500ms, scrape_timeout: 400ms}\n"
                          f"scrape_configs: [{{job_name: hogwild, static_configs: [{{targets: [{targets}]}}]}}]\n")
        port = free_port()
        with (self.directory / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.directory / 'tsdb'}",
                                        f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def stop():
            process.kill()
            process.wait()
        self.addCleanup(stop)

        def query(expression):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/api/v1/query?query=" + urllib.parse.quote(expression))
                return [float(each["value"][1]) for each in json.loads(connection.getresponse().read())["data"]["result"]]

        def is_scraped():
            self.assertIsNone(process.poll(), (self.directory / "prometheus.log").read_text())
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                return query('sum(rate(hogwild_updates_total{source="local"}[5s]))')
            return None
        rates = wait_until(is_scraped, "Prometheus has a rate")
        self.assertEqual(query("up"), [1, 1])
        self.assertEqual(query('hogwild_members{state="alive"}'), [2, 2])
        self.assertEqual(query('hogwild_training_state{state="training"}'), [1, 1])
        self.assertLess(rates[0], 20000)
        self.assertGreater(query("sum(hogwild_delta_bytes_total)")[0], 0)
        self.assertEqual(query('count(hogwild_probe_rtt_seconds_bucket{le="+Inf"})'), [2])


class Hostile(SwarmTest):

    def test_slow_clients_and_floods_keep_nobody_out_and_training_goes_on(self):
        node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--max-time", "60s", "--rate", "4000", "--early-stopping", "0")
        node.await_training()
        host, port = node.http.rsplit(":", 1)
        held = []
        self.addCleanup(lambda: [connection.close() for connection in held])

        def attack(bytes_sent, count):
            for _ in range(count):
                connection = socket.create_connection((host, int(port)), timeout=10)
                connection.sendall(bytes_sent)
                held.append(connection)

        def latency():
            begin = time.monotonic()
            self.assertEqual(node.request("/livez")[0], 200)
            return time.monotonic() - begin
        usual = max(latency() for _ in range(5))  # of this machine, with whatever else it does now

        def check(what):
            self.assertLess(latency(), 1 + 20 * usual, what)
        before = node.status()
        memory = lambda: float([line for line in node.request("/metrics")[2].splitlines()  # noqa: E731
                                if line.startswith("process_resident_memory_bytes ")][0].split()[1])
        resident = memory()
        for what, count, sent in [
                ("nothing sent", 150, b""), ("half a header", 150, b"GET / HTTP/1.1\r\nHost: 1"),
                ("half a body", 150, b"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n1 1:1"),
                ("answers not read", 150, b"GET /v1/model.liblinear HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20),
                ("many at once", 50, b"GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 50)]:
            attack(sent, count)
            check(what)
        while held:
            held.pop().close()
        check("after all")
        self.assertLess(memory() - resident, 100e6)
        node.await_status(lambda now: now["training"]["updates_total"] > before["training"]["updates_total"] + 4000, "training goes on")


if __name__ == "__main__":
    unittest.main()
