"""The page of a node in a real browser."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import browser
from swarm import SIGKILL, TEST, TRAIN, SwarmTest

AXE = "axe-core@4.10.3"
# Where pictures of the page are kept, for people to look at.
PICTURES = os.environ.get("E2E_PICTURES")


@unittest.skipIf(browser.find() is None, "chromium is not installed")
class ThePage(SwarmTest):

    def setUp(self):
        super().setUp()
        self.browser = browser.Browser()
        self.addCleanup(self.browser.close)

    def open(self, node, **how):
        page = self.browser.open(f"http://{node.http}/", **how)
        page.wait("document.querySelector('#connection').dataset.live === 'yes'")
        return page

    def picture(self, page, name):
        if PICTURES:
            pathlib.Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.screenshot(pathlib.Path(PICTURES, f"{name}.png"))

    def check_clean(self, page, node):
        self.assertEqual(page.complaints, [])
        strangers = [url for url in page.asked if not url.startswith(f"http://{node.http}/")]
        self.assertEqual(strangers, [], "the page asks other hosts")

    def start_slow_swarm(self, count):
        """A run that goes on until it is stopped."""
        return self.start_swarm(count, "--max-time", "300s", "--rate", "4000", "--early-stopping", "0")

    def test_figures_change_and_a_killed_node_is_seen(self):
        nodes = self.start_slow_swarm(3)
        for node in nodes:
            node.await_alive(3)
        page = self.open(nodes[0])
        page.wait("document.querySelector('#alive').innerText === '3'")
        page.wait("document.querySelectorAll('#member-table tbody tr').length === 3")
        self.assertEqual(page.text("h1"), "node-1")
        page.wait("document.querySelector('#node-state').innerText === 'training'")
        # Figures and curves move by themselves.
        first = page.wait("parseInt(document.querySelector('#rate-note').innerText.replace(/,/g, '')) || 0")
        page.wait(f"parseInt(document.querySelector('#rate-note').innerText.replace(/,/g, '')) > {first}")
        points = page.wait("Chart.getChart('loss-chart').data.datasets[1].data.length")
        page.wait(f"Chart.getChart('loss-chart').data.datasets[1].data.length > {points}")
        page.wait("Chart.getChart('rate-chart').data.datasets[0].data.length > 2")
        page.wait("document.querySelectorAll('#traffic-table tbody tr').length === 2")
        page.wait("document.querySelector('#log').innerText.includes('event=evaluation')")

        nodes[1].signal(SIGKILL)
        page.wait("[...document.querySelectorAll('#member-table tbody tr')]"
                  ".some((row) => row.innerText.includes('node-2') && row.innerText.includes('dead'))")
        page.wait("document.querySelector('#news').innerText.includes('node-2 is dead')")
        page.wait("document.querySelector('#alive').innerText === '2'")
        self.picture(page, "training-light")
        self.check_clean(page, nodes[0])

        # The end is told, and the files are there.
        self.assertEqual(nodes[0].request("/v1/stop?reason=enough", method="POST")[0], 202)
        page.wait("document.querySelector('#epoch-note').innerText.includes('enough')")
        nodes[0].end()
        page.wait("document.querySelector('#connection').dataset.live === 'no'")
        page.wait("!document.querySelector('#banner').hidden")

    def test_it_reads_well_in_the_dark_on_a_phone_and_after_the_run(self):
        node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "2", "--on-finish", "serve")
        node.await_status(lambda status: status["node"]["state"] == "finished", "finished")
        page = self.open(node, width=360, height=740, dark=True)
        page.wait("document.querySelectorAll('#files li').length >= 7")
        page.wait("document.querySelectorAll('#settings-table tbody tr').length > 10")
        self.assertEqual(page.text("#node-state"), "finished")
        self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 360, "it scrolls to the side")
        self.assertEqual(page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(15, 18, 22)")
        self.picture(page, "finished-dark-narrow")
        # Everything that can be scrolled or clicked is reached with the keyboard.
        out_of_reach = page.evaluate("[...document.querySelectorAll('.scroll, a, select, summary')]"
                                     ".filter((each) => each.offsetParent && each.tabIndex < 0).map((each) => each.outerHTML)")
        self.assertEqual(out_of_reach, [])
        self.check_clean(page, node)

    def test_without_the_library_of_charts_there_are_tables(self):
        node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "2", "--on-finish", "serve")
        node.await_status(lambda status: status["node"]["state"] == "finished", "finished")
        page = self.browser.open("about:blank")
        page.call("Network.setBlockedURLs", {"urls": ["*chart.min.js"]})
        page.call("Page.navigate", {"url": f"http://{node.http}/"})
        page.wait("document.querySelectorAll('#history-table tbody td.number').length >= 5")
        self.assertEqual(page.evaluate("[...document.querySelectorAll('.plot')].filter((each) => each.offsetParent).length"), 0)
        self.assertIn("%", page.text("#accuracy-legend"))

    def test_axe_finds_nothing(self):
        node = self.start("node-1", "--train", TRAIN, "--test", TEST, "--epochs", "2", "--on-finish", "serve")
        axe = axe_source()
        if axe is None:
            self.skipTest("npm does not give axe-core")
        node.await_status(lambda status: status["node"]["state"] == "finished", "finished")
        for dark in [False, True]:
            page = self.open(node, dark=dark)
            page.wait("document.querySelectorAll('#files li').length >= 7")
            page.evaluate(axe)
            found = page.evaluate("axe.run().then((result) => result.violations.map("
                                  "(each) => `${each.impact}: ${each.help}: ${each.nodes.map((node) => node.html)}`))")
            self.assertEqual(found, [], f"dark: {dark}")


def axe_source():
    """The text of axe.min.js, or None where it cannot be had."""
    with tempfile.TemporaryDirectory(prefix="hogwild-axe.") as directory:
        try:
            ended = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", AXE], cwd=directory, timeout=120,
                                   capture_output=True, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        source = pathlib.Path(directory, "node_modules/axe-core/axe.min.js")
        return source.read_text() if ended.returncode == 0 and source.exists() else None


if __name__ == "__main__":
    unittest.main()
