"""A headless Chromium for tests, driven through a pipe (Chrome DevTools Protocol), with nothing but Python's library."""

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time
import unittest

LIMIT_SECONDS = 30  # of any single answer or wait
CANNOT_RUN = "chromium cannot run here"
# What may keep it from running in a container is left out step by step.
STARTS = [[], ["--no-zygote"], ["--no-zygote", "--single-process"]]
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
             "--disable-dev-shm-usage", "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


def find():
    """Chromium's path, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One Chromium process; pages by open(). Names of other hosts do not resolve in it."""

    def __init__(self):
        # Chromium keeps sockets in its directory for temporary files, so the path must be short.
        self._home = tempfile.mkdtemp(prefix="hogwild-browser.", dir="/tmp")
        self._pages = {}
        self._last = 0
        for at, extra in enumerate(STARTS):
            self._start(extra)
            try:
                target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
                self.call("Target.closeTarget", {"targetId": target})
                return
            except (AssertionError, unittest.SkipTest) as error:
                self._stop()
                if at + 1 == len(STARTS):
                    shutil.rmtree(self._home, ignore_errors=True)
                    raise unittest.SkipTest(f"{CANNOT_RUN}: {error}") from None

    def _start(self, extra):
        to_child, self._write = pipe()
        self._read, from_child = pipe()

        def wire():  # Chromium reads commands from 3 and answers on 4.
            os.dup2(to_child, 3)
            os.dup2(from_child, 4)
        # pylint: disable=subprocess-popen-preexec-fn; there is one thread
        with open(f"{self._home}/said", "wb") as said:
            self._process = subprocess.Popen([find(), *ARGUMENTS, *extra, f"--user-data-dir={self._home}/profile"], preexec_fn=wire,
                                             close_fds=False, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                             env={**os.environ, "HOME": self._home, "TMPDIR": self._home})
        os.close(to_child)
        os.close(from_child)
        self._unread = b""

    def _stop(self):
        os.close(self._write)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)

    def close(self):
        self._stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def open(self, url, width=1280, height=900, dark=False):
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session)
        self._pages[session] = page
        for domain in ["Page", "Runtime", "Log", "Network"]:
            page.call(f"{domain}.enable")
        page.resize(width, height)
        page.paint("dark" if dark else "light")
        page.call("Page.navigate", {"url": url})
        return page

    def call(self, method, params=None, session=None):
        self._last += 1
        number = self._last
        message = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._write, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise unittest.SkipTest(f"{CANNOT_RUN}: {self._why_silent(True)}") from None
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            answer = self._receive(end - time.monotonic())
            if answer.get("id") != number:
                continue
            if "error" in answer:
                raise AssertionError(f"{method}: {answer['error']}")
            return answer["result"]

    def _receive(self, limit):
        end = time.monotonic() + limit
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
            piece = os.read(self._read, 1 << 20) if ready else b""
            if ready and not piece:  # it ended by itself, which no page can make it do
                raise unittest.SkipTest(f"{CANNOT_RUN}: {self._why_silent(True)}")
            if not piece:
                raise AssertionError(self._why_silent(False))
            self._unread += piece
        text, self._unread = self._unread.split(b"\0", 1)
        message = json.loads(text)
        page = self._pages.get(message.get("sessionId"))
        if page and "method" in message:
            page.note(message["method"], message["params"])
        return message

    def _why_silent(self, ended):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2 if ended else 0)
        said = pathlib.Path(self._home, "said").read_text(errors="replace")[-2000:]
        return f"the browser does not answer (exit code {self._process.returncode}); it said:\n{said}"


def pipe():
    """Two ends above the descriptors that a child is given by number."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 64) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Page:
    """One tab."""

    def __init__(self, browser, session):
        self._browser = browser
        self._session = session
        self.complaints = []  # errors of the console, uncaught exceptions, what the policy forbade
        self.asked = []       # URLs

    def call(self, method, params=None):
        return self._browser.call(method, params, self._session)

    def note(self, method, params):
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"].get("exception", params["exceptionDetails"])))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([each.get("value") for each in params["args"]]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def paint(self, scheme):
        self.call("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def evaluate(self, expression):
        """The value of a JavaScript expression; promises are awaited."""
        result = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression, limit=LIMIT_SECONDS):
        """The first truthy value of the expression, asked again and again."""
        end = time.monotonic() + limit
        while True:
            value = self.evaluate(f"(() => {{ try {{ return {expression} }} catch {{ return null }} }})()")  # the page may not be there yet
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {limit} s: {expression}\n{self.evaluate('document.body?.innerText')}")
            time.sleep(0.1)

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def screenshot(self, path, whole=True):
        """Of the whole page, however long, or of what is seen."""
        image = self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        with open(path, "wb") as file:
            file.write(base64.b64decode(image["data"]))
