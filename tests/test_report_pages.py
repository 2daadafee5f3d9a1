"""Reports in a browser: no error, no request, nothing wider than the page; readable on paper."""

import errno
import os
import re
import shutil
import subprocess
import unicodedata

import numpy as np
import pandas as pd
import pytest
from check_site import chromium, headless

from lpc_ns.base.errors import InputError
from lpc_ns.reports.advice import advise_table
from lpc_ns.reports.lpc import fit_lpc_table
from lpc_ns.reports.page import put
from lpc_ns.reports.tree import fit_tree_table

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine"),
    pytest.mark.filterwarnings("ignore::lpc_ns.base.errors.DataWarning"),
]
PAGES = ("--virtual-time-budget=2000", "--enable-logging=stderr")


def browse(page, folder, *options):
    """What Chromium prints about a page, and what the page's console says."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    profile = folder / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    run = subprocess.run(
        [*headless(profile), *PAGES, *options, path.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout, [line for line in run.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def pages():
    """A page of three kinds of reports, of a table with long names and many columns."""
    rng = np.random.default_rng(0)
    question = "Which of the following best describes your current situation at work?"
    table = pd.DataFrame(rng.normal(size=(90, 3)), columns=["x", question, "a_$_{b}^2_%_\\c"])
    table["kind"] = rng.choice([f"a level with a long name, number {i}" for i in range(6)], 90)
    table["y"] = np.where(rng.random(90) < 0.5, 2, -2) * table.x + 0.1 * rng.normal(size=90)
    options = {"random_state": 0, "method": "local"}
    reports = {
        "lpc": fit_lpc_table(table, "y", 5, evidence=False, **options),
        "tree": fit_tree_table(table, 6, **options),
        "advice": advise_table(table[["x", "y"]], "y", random_state=0),
    }
    return {name: (report.to_html(), report) for name, report in reports.items()}


@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("name", ["lpc", "tree", "advice"])
def test_pages_are_quiet_and_as_wide_as_the_window(pages, name, width, tmp_path):
    page, _ = pages[name]
    shot = tmp_path / "shot.png"
    _, said = browse(page, tmp_path, f"--window-size={width},1200", f"--screenshot={shot}")
    assert not said and shot.stat().st_size > 10_000
    asks = "<script>document.title = document.documentElement.scrollWidth + '/' + innerWidth"
    free = re.sub("<meta http-equiv=[^>]*>", "", page)
    free = free.replace("</body>", asks + "</script></body>")
    dom, _ = browse(free, tmp_path, f"--window-size={width},1200", "--dump-dom")
    needed, there = map(int, re.search(r"<title>(\d+)/(\d+)</title>", dom).groups())
    assert needed <= there


def test_a_page_that_asks_for_something_would_be_found(pages, tmp_path):
    page, _ = pages["advice"]
    page = page.replace("</body>", '<img src="http://localhost:9/x.png"></body>')
    _, said = browse(page, tmp_path, "--window-size=900,900", f"--screenshot={tmp_path}/s.png")
    assert any("Content Security Policy" in line for line in said)


@pytest.mark.parametrize("name", ["lpc", "tree", "advice"])
def test_pages_on_paper(pages, name, tmp_path):
    page, report = pages[name]
    paper = tmp_path / "report.pdf"
    browse(page, tmp_path, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    data = paper.read_bytes()
    assert data.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", data)) >= 1
    pypdf = pytest.importorskip("pypdf", reason="no pypdf to read the page with")
    read = " ".join(p.extract_text() for p in pypdf.PdfReader(paper).pages)
    text = " ".join(unicodedata.normalize("NFKC", read).split())  # fonts join f and f
    assert " ".join(report.verdict().split())[:60] in text


def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(tmp_path):
    def full(path):
        path.write_text("half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "report.html").write_text("the one before")
    with pytest.raises(InputError, match=r"report.html cannot be written \(No space left"):
        put(tmp_path / "report.html", full)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the one before"]
