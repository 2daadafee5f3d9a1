"""A report says one thing: verdict, advice and what stands beside them; and options come first."""

import json

import numpy as np
import pandas as pd
import pytest

from lpc_ns import LinearPredictiveClustering
from lpc_ns.advisor import Advice
from lpc_ns.base.numerics import spawn_seeds
from lpc_ns.cli import main
from lpc_ns.lpc.inference.reality import reality_test
from lpc_ns.reports.evidence import Evidence, find_evidence
from lpc_ns.reports.lpc import fit_lpc_table


@pytest.mark.parametrize("family", ["plain", "ibc", "tree", "lpc", "gated"])
@pytest.mark.parametrize("answer", ["yes", "no", "unclear"])
def test_an_advice_is_one_only_beside_an_answer_that_it_shares(family, answer):
    advice = Advice(family, ("A reason.",), pd.DataFrame({"R2": []}), {}, "A cost.")
    lines = Evidence(answer, "So.", None, advice).lines()
    assert lines[0].startswith("Advice: ") == (answer == ("no" if family == "plain" else "yes"))
    assert lines[1:] == ["A reason.", "A cost."]
    assert Evidence("yes", "So.", None, advice).lines(answer)[0] == lines[0]


def test_outliers_under_absolute_loss_leave_one_answer():
    """Three outliers of sixty: the test is unclear, and says what predicts best none the less."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, 60)
    y = np.where(rng.integers(0, 2, 60), 1 + 2 * x, 20 - 1.5 * x) + 0.5 * rng.normal(size=60)
    y[:3] += 60
    found = find_evidence(x[:, None], y, loss="absolute", random_state=0)
    family = found.advice.family
    said = "\n".join([found.why, *found.lines()])
    assert ("Advice: " in said) == (found.answer == ("no" if family == "plain" else "yes"))
    assert found.answer != "unclear" or "On rows that were not seen the best is" in found.why


@pytest.mark.parametrize(
    "argv",
    [
        ["demo", "--folder", "{file}"],
        ["demo", "--out", "{file}/x.csv"],
        ["demo", "--out", "{folder}"],
        ["reproduce", "rq1", "--out", "{file}"],
        ["tree", "{file}", "--scaling", "inches"],
        ["ibc", "{file}", "--target", "y", "--max-clusters", "1"],
        ["ibc", "{file}", "--target", "y", "--folds", "9"],
    ],
)
def test_bad_options_are_refused_before_anything_is_computed(argv, tmp_path, monkeypatch, capsys):
    table = pd.DataFrame({"x": np.arange(12.0), "y": np.arange(12.0) % 5})
    table.to_csv(tmp_path / "t.csv", index=False)
    names = {"file": tmp_path / "t.csv", "folder": tmp_path}

    def computed(*_, **__):
        raise AssertionError("computed")

    monkeypatch.setattr("lpc_ns.experiments.demo.demo_reports", computed)
    monkeypatch.setattr("lpc_ns.experiments.runner.run_experiment", computed)
    monkeypatch.setattr("lpc_ns.reports.ibc.InteractionBasedClustering.fit", computed)
    monkeypatch.chdir(tmp_path)
    assert main([arg.format(**names) for arg in argv]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1


def test_command_report_and_functions_print_the_same_numbers(tmp_path, capsys):
    rng = np.random.default_rng(0)
    shop = np.repeat(np.arange(16), 3)
    x = rng.uniform(0, 10, 48)
    y = np.where(shop % 2, 1 + x, 9 - x) + rng.normal(size=48)
    table = pd.DataFrame({"x": x, "shop": shop, "y": y})
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    given = {"n_clusters": 2, "groups": shop, "random_state": spawn_seeds(0, 3)[1]}
    test = reality_test(x[:, None], y, **given)
    assert main(["lpc", str(path), "--target", "y", "--n-clusters", "2", "--group", "shop"]) == 0
    told = capsys.readouterr().out
    facts = json.loads((tmp_path / "t_lpc" / "report.json").read_text())
    page = (tmp_path / "t_lpc" / "report.html").read_text()
    seen = facts["evidence"]["test"]
    assert seen["statistic"] == pytest.approx(test.statistic, rel=1e-9)
    assert (seen["p_value"], seen["strict_p_value"]) == (test.p_value, test.strict_p_value)
    report = fit_lpc_table(table, "y", n_clusters=2, groups="shop", random_state=0)
    assert report.evidence.facts() == facts["evidence"]
    model = LinearPredictiveClustering(2, random_state=0).fit(x[:, None], y, groups=shop)
    assert facts["sse"] == pytest.approx(model.sse_, rel=1e-9)
    for text in (told, page):
        assert f"p = {test.p_value:.3g}" in text and f"{test.statistic:.3f}" in text
