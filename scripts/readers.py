"""Thirteen tasks of readers, done in headless Chromium with the built site alone.

    python scripts/readers.py [FOLDER] [--pictures FOLDER]

Each task begins on the first page and is a list of links to click, by their words, or one question
for the search, whose first answer is taken; then the page must say what the reader came for. A task
that takes more than three clicks, or ends elsewhere, makes the command fail.
"""

import argparse
import asyncio
import base64
import http.server
import json
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from check_site import chromium, open_browser
from site_paths import OUTPUT
from tornado.websocket import websocket_connect

CLICKS = 3
TASKS = {
    "install": ([], "pip install ./lpc_ns"),
    "first fit": (["Start in sixty seconds"], "LinearPredictiveClustering("),
    "choose the part": (["Which of the three parts?"], "which_regime"),
    "choose K": (["How many regimes?"], "select_n_clusters"),
    "read the gap": (["Reading a gap"], "gap_"),
    "predict for a new x": (["Predicting for a new x"], "predict"),
    "a panel": (["Groups and panels"], "groups="),
    "explain k-means labels": (["Explaining given clusters"], "k-means"),
    "reproduce Table 2": ("Table 2 of the paper", "lpc-ns reproduce rq3"),
    "the price of the approximation": (["the price of the paper"], "Proof"),
    "a table that I have": (["From a table to a report"], "lpc-ns lpc"),
    "an equation of the paper": (["each of its equations"], "GlobalOpt as a mixed-integer program"),
    "a search of my own": (["a search of one's own"], "elemental_search"),
}
CLICK = """(() => {
    const words = (a) => a.textContent.replaceAll("\\u2019", "'").trim();
    const link = [...document.querySelectorAll("a")].find((a) => words(a).startsWith(WORDS));
    if (link) link.click();
    return Boolean(link);
})()"""
ASK = """(() => {
    const input = [...document.querySelectorAll(".smalldocs-search input")][0];
    input.focus();
    input.value = WORDS;
    input.dispatchEvent(new Event("input", {bubbles: true}));
    return true;
})()"""
ANSWER = """(() => {
    const first = document.querySelector(".smalldocs-search-results a.search-result");
    if (first) first.click();
    return Boolean(first);
})()"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files without a line for each."""

    def log_message(self, *args):
        pass


class Tab:
    """A tab of the browser, driven by its debugging protocol."""

    def __init__(self, socket):
        self.socket = socket
        self.number = 0

    async def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        await self.socket.write_message(json.dumps(message))
        while True:
            answer = json.loads(await self.socket.read_message())
            if answer.get("id") == self.number:
                return answer.get("result", {})

    async def run(self, program):
        """The value of a program in the page; None while one page gives place to the next."""
        answer = await self.call("Runtime.evaluate", expression=program, returnByValue=True)
        return answer.get("result", {}).get("value")

    async def until(self, program, seconds=10.0):
        """Wait until a program in the page gives something true, and return whether it did."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if await self.run(program):
                return True
            await asyncio.sleep(0.05)
        return False

    async def follow(self, program, words):
        """Run a program that leads to another page, and wait until that is there."""
        await self.run("window.here = true")
        there = await self.until(program.replace("WORDS", json.dumps(words)))
        return there and await self.until("!window.here && document.readyState == 'complete'")


async def perform(tab, start, steps, wanted):
    """What went wrong with one task, or an empty text."""
    await tab.call("Page.navigate", url=start)
    await tab.until("document.readyState == 'complete'")
    if isinstance(steps, str):
        await tab.run(ASK.replace("WORDS", json.dumps(steps)))
        if not await tab.follow(ANSWER, steps):
            return f"the search has no answer to {steps!r}"
    else:
        for words in steps:
            if not await tab.follow(CLICK, words):
                return f"no link {words!r}, or it leads nowhere"
    text = await tab.run("document.querySelector('main').textContent")
    title = await tab.run("document.title")
    return "" if wanted in text else f"{title!r} does not say {wanted!r}"


async def read(site, port, pictures):
    """Do all tasks, one after the other, and return what went wrong."""
    with urlopen(f"http://127.0.0.1:{port}/json") as listing:
        tabs = json.load(listing)
    address = next(t["webSocketDebuggerUrl"] for t in tabs if t["type"] == "page")
    tab = Tab(await websocket_connect(address, max_message_size=2**26))
    await tab.call("Page.enable")
    problems = []
    for task, (steps, wanted) in TASKS.items():
        clicks = 1 if isinstance(steps, str) else len(steps)
        problem = await perform(tab, site, steps, wanted)
        if clicks > CLICKS:
            problem = f"takes {clicks} clicks"
        if problem:
            problems.append(f"{task}: {problem}")
        where = await tab.run("location.pathname")
        print(f"{task:32} {clicks} {'search' if isinstance(steps, str) else 'clicks':7} {where}")
        if pictures:
            shot = await tab.call("Page.captureScreenshot", format="png")
            name = task.replace(" ", "_") + ".png"
            (pictures / name).write_bytes(base64.b64decode(shot["data"]))
    return problems


def browser(profile):
    """A headless Chromium and the port of its debugging protocol."""
    process = open_browser(profile, "about:blank")
    port = Path(profile) / "DevToolsActivePort"
    end = time.monotonic() + 60
    while not (port.exists() and port.read_text().strip()):
        if time.monotonic() > end:
            raise SystemExit("Chromium does not start.")
        time.sleep(0.1)
    return process, int(port.read_text().split()[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=OUTPUT)
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the last pages")
    args = parser.parse_args()
    if chromium() is None:
        raise SystemExit("There is no Chromium on this machine; install it, for instance from apt.")
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
    handler = partial(Quiet, directory=str(args.folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process, port = browser(profile)
        try:
            site = f"http://127.0.0.1:{server.server_port}/index.html"
            problems = asyncio.run(read(site, port, args.pictures))
        finally:
            process.terminate()
            process.wait()
            server.shutdown()
    if problems:
        raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()
