"""Mixtures of regressions: R's values, the algebra of weights and units, errors that cover."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp

from lpc_ns.base.errors import DataNotFoundError, DataWarning, InputError
from lpc_ns.datasets import find_data, make_sd1
from lpc_ns.lpc.search import em
from lpc_ns.lpc.search.mixture import em_refit, hard_limit

CLASSIC = ["aphids", "co2", "no", "equiv_no", "tone", "kalvelagen", "overlap"]
SECOND = ["gated", "panel", "weighted", "sd1"]
UCI = ["sd2", "390_stock_portfolio", "87_servo"]


def golden(name):
    """A data set and what flexmix and mixtools said about it."""
    try:
        folder = find_data("inference_golden/golden.R").parent
    except DataNotFoundError as reason:
        pytest.skip(str(reason))
    files = {"golden_classic": CLASSIC, "golden_classic2": SECOND, "golden_synthetic_uci": UCI}
    file = next(f for f, names in files.items() if name in names)
    record = json.loads((folder / f"{file}.json").read_text())[name]
    table = pd.read_csv(folder / "data" / f"{name}.csv")
    return table[[c for c in table if c[0] == "x" and c[1:].isdigit()]], table.y, record, table


def start(record):
    """Posteriors of a record, or its labels as such."""
    if "posterior" in record:
        return np.array(record["posterior"])
    return np.eye(record["K"])[np.array(record["clusters"]) - 1]


@pytest.mark.parametrize("name", CLASSIC + SECOND + UCI)
@pytest.mark.parametrize("variance", ["own", "shared"])
def test_flexmix_is_reproduced_with_its_factor_and_not_undercut(name, variance):
    X, y, records, _ = golden(name)
    record = records[f"K2_{variance}"]
    shared = variance == "shared"
    same = em_refit(
        X,
        y,
        posterior=start(record),
        guard=0,
        flexmix_factor=True,
        shared_variance=shared,
        tol=1e-14,
    )
    assert same.log_likelihood == pytest.approx(record["logLik"], abs=1e-3)
    assert same.bic == pytest.approx(record["BIC"], abs=2e-3)
    best = em_refit(X, y, n_clusters=2, guard=0, shared_variance=shared, random_state=0)
    assert best.admissible
    assert best.log_likelihood > record["logLik"] - 1e-6
    guarded = em_refit(X, y, n_clusters=2, shared_variance=shared, random_state=0)
    assert guarded.log_likelihood > record["logLik"] - 1e-3


@pytest.mark.parametrize("name", CLASSIC)
def test_three_regimes_with_shared_variance_are_never_below_flexmix(name):
    X, y, records, _ = golden(name)
    best = em_refit(X, y, n_clusters=3, shared_variance=True, random_state=0)
    assert best.log_likelihood > records["K3_shared"]["logLik"] - 1e-6


@pytest.mark.parametrize("name", ["aphids", "co2", "equiv_no", "tone", "kalvelagen"])
def test_mixtools_finds_the_same_maximum(name):
    X, y, records, _ = golden(name)
    best = em_refit(X, y, n_clusters=2, guard=0, random_state=0, tol=1e-12)
    assert best.log_likelihood == pytest.approx(records["mixtools_K2"]["logLik"], abs=1e-3)
    order = np.argsort(best.shares)
    theirs = np.argsort(records["mixtools_K2"]["lambda"])
    assert best.sigma[order] == pytest.approx(
        np.array(records["mixtools_K2"]["sigma"])[theirs], rel=1e-3
    )


@pytest.mark.parametrize("name", ["aphids", "co2", "no", "tone", "kalvelagen", "overlap"])
def test_standard_errors_are_those_of_flexmix_refit(name):
    X, y, records, _ = golden(name)
    theirs = records["K2_own"]["refit"]
    table = em_refit(X, y, n_clusters=2, guard=0, random_state=0, tol=1e-12).summary().table
    ours = table[~table.term.isin(["log sigma", "logit"])].se
    wanted = [se for n, se in zip(theirs["names"], theirs["se"], strict=True) if "coef" in n]
    assert np.sort(ours) == pytest.approx(np.sort(wanted), rel=0.01)
    ours = table[table.term == "log sigma"].se
    wanted = [se for n, se in zip(theirs["names"], theirs["se"], strict=True) if "sigma" in n]
    assert np.sort(ours) == pytest.approx(np.sort(wanted), rel=0.01)


def test_groups_weights_and_gate_follow_flexmix():
    X, y, records, table = golden("panel")
    record = records["groups_K2"]
    options = {"guard": 0, "flexmix_factor": True, "tol": 1e-13}
    found = em_refit(X, y, posterior=start(record), groups=table.id, **options)
    assert found.log_likelihood == pytest.approx(record["logLik"], abs=1e-3)
    assert np.sort(found.shares) == pytest.approx(np.sort(record["prior"]), abs=1e-4)
    assert found.n_units == table.id.nunique()
    alone = em_refit(X, y, n_clusters=2, groups=table.id, random_state=0, **options)
    assert alone.log_likelihood == pytest.approx(record["logLik"], abs=1e-3)

    X, y, records, table = golden("weighted")
    record = records["weights_K2"]
    found = em_refit(X, y, posterior=start(record), sample_weight=table.w, **options)
    assert found.log_likelihood == pytest.approx(record["logLik"], abs=1e-3)
    assert found.bic == pytest.approx(record["BIC"], abs=1e-2)

    X, y, records, table = golden("gated")
    record = records["concomitant_K2"]
    gate = table[["v1", "v2"]]
    found = em_refit(X, y, posterior=start(record), concomitant=gate, **options)
    assert found.log_likelihood == pytest.approx(record["logLik"], abs=1e-3)
    assert found.icl == pytest.approx(record["ICL"], abs=0.05)
    logits = found.summary().table
    logits = logits[logits.term.str.startswith("logit")]
    sizes = np.array(record["concomitant"])[:, 1]
    assert np.abs(logits.estimate).to_numpy() == pytest.approx(np.abs(sizes), abs=1e-2)
    wanted = record["refit"]["se"][-3:]
    assert logits.se.to_numpy() == pytest.approx(wanted, rel=0.01)


def lines(seed, n=200, gap=3.0, error=None):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    truth = rng.integers(0, 2, n)
    noise = rng.standard_normal(n) if error is None else error(rng, n)
    y = np.where(truth, gap / 2 + x, -gap / 2 - 0.5 * x) + noise
    return x[:, None], y, truth


def test_a_frequency_weight_is_a_repeated_row():
    X, y, _ = lines(0)
    count = np.random.default_rng(1).integers(1, 4, len(y))
    weighted = em_refit(X, y, n_clusters=2, guard=0, sample_weight=count, random_state=0)
    repeated = em_refit(
        np.repeat(X, count, axis=0), np.repeat(y, count), n_clusters=2, guard=0, random_state=0
    )
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, abs=1e-3)
    assert weighted.coef == pytest.approx(repeated.coef, abs=1e-3)
    assert weighted.bic == pytest.approx(repeated.bic, abs=1e-2)
    ours = weighted.summary().table.se
    assert ours.to_numpy() == pytest.approx(repeated.summary().table.se.to_numpy(), rel=1e-2)


def test_sampling_weights_do_not_buy_precision():
    X, y, _ = lines(0)
    one = em_refit(X, y, n_clusters=2, random_state=0)
    ten = em_refit(
        X, y, n_clusters=2, sample_weight=np.full(200, 10.0), weight_type="sampling", random_state=0
    )
    assert ten.coef == pytest.approx(one.coef, abs=1e-6)
    sandwich = one.summary("sandwich").table.se.to_numpy()
    assert ten.summary().table.se.to_numpy() == pytest.approx(sandwich, rel=1e-6)


def test_common_columns_have_one_coefficient():
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(5, 2, size=(300, 3)), columns=["a", "b", "c"])
    side = rng.integers(0, 2, 300)
    y = np.where(side, 3 + 2 * X.a, -3 - X.a) + 1.5 * X.b + 0.5 * X.c + rng.normal(size=300)
    free = em_refit(X, y, n_clusters=2, guard=0, random_state=0)
    tied = em_refit(X, y, n_clusters=2, guard=0, common=["b", 2], random_state=0)
    assert tied.coef[0, 1:] == pytest.approx(tied.coef[1, 1:])
    assert tied.coef[0, 1:] == pytest.approx([1.5, 0.5], abs=0.15)
    assert tied.n_parameters == free.n_parameters - 2
    assert free.log_likelihood - 8 < tied.log_likelihood <= free.log_likelihood + 1e-6
    table = tied.summary().table
    assert list(table[table.regime == "all"].term) == ["b", "c"]
    assert (table[table.term == "b"].se < free.summary().table.query("term == 'b'").se.min()).all()


def test_likelihood_is_that_of_the_definition_in_units_of_the_table():
    X, y, _ = lines(5)
    found = em_refit(X * 1e4 + 3e5, y * 1e-3 + 7, n_clusters=2, random_state=0)
    joint = found.log_density(X * 1e4 + 3e5, y * 1e-3 + 7)
    assert logsumexp(joint, axis=1).sum() == pytest.approx(found.log_likelihood)
    plain = em_refit(X, y, n_clusters=2, random_state=0)
    assert found.coef == pytest.approx(plain.coef * 1e-7, rel=1e-4)
    z = plain.summary().table.query("term == 'x0'").z.to_numpy()
    assert found.summary().table.query("term == 'x0'").z.to_numpy() == pytest.approx(z, rel=1e-3)


@pytest.mark.parametrize("kind", ["louis", "opg", "sandwich", "bootstrap"])
def test_intervals_cover(kind):
    inside = []
    for seed in range(40 if kind != "bootstrap" else 12):
        X, y, _ = lines(seed)
        table = em_refit(X, y, n_clusters=2, random_state=0).summary(
            kind, **({"n_draws": 60, "random_state": 0} if kind == "bootstrap" else {})
        )
        slopes = table.table.query("term == 'x0'").sort_values("estimate")
        inside += list((slopes.low.to_numpy() < [-0.5, 1]) & (slopes.high.to_numpy() > [-0.5, 1]))
    assert 0.85 <= np.mean(inside) <= 1


def test_clusters_of_dependent_rows_widen_the_errors():
    X, y, _ = lines(2, n=100)
    X3 = np.tile(X, (3, 1))
    y3 = np.tile(y, 3)
    found = em_refit(X3, y3, n_clusters=2, guard=0, random_state=0)
    names = np.tile(np.arange(100), 3)
    wide = np.sqrt(np.diag(found.covariance("cluster", clusters=names)))
    narrow = np.sqrt(np.diag(found.covariance("sandwich")))
    assert wide == pytest.approx(narrow * np.sqrt(3), rel=1e-6)


def test_hard_limit_predicts_the_bias_of_hard_labels():
    X, y, truth = lines(0, n=4000, gap=2.0)
    found = em_refit(X, y, truth, n_random=0)
    limit, variance = hard_limit(X, found)
    bias = limit - np.column_stack([found.intercept, found.coef])
    assert np.abs(bias[:, 0]) == pytest.approx([0.29, 0.29], abs=0.09)
    assert np.sqrt(variance) == pytest.approx(0.82, abs=0.05)


def test_degenerate_fits_are_not_reported_as_best():
    rng = np.random.default_rng(0)
    for N, D, K in ((60, 1, 2), (60, 4, 2), (60, 4, 3)):
        for _ in range(4):
            X = rng.normal(size=(N, D))
            y = X.sum(axis=1) + rng.normal(size=N)
            found = em_refit(X, y, n_clusters=K, n_random=10, random_state=0)
            ratio = found.sigma.min() / found.sigma.max()
            assert found.admissible and ratio > 0.05 and found.shares.min() * N > D + 2


def test_ties_of_the_target_are_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = np.where(rng.random(200) < 0.3, 0.0, 3 + X @ [1, 2] + rng.normal(size=200))
    with pytest.warns(DataWarning, match="ties of y"):
        em_refit(X, y, n_clusters=2, guard=0, random_state=0)


def test_one_regime_is_least_squares():
    X, y, _ = lines(1)
    one = em_refit(X, y, n_clusters=1)
    A = np.c_[np.ones(200), X]
    w = np.linalg.lstsq(A, y, rcond=None)[0]
    assert [one.intercept[0], one.coef[0, 0]] == pytest.approx(w)
    assert one.sigma[0] == pytest.approx(np.sqrt(((y - A @ w) ** 2).mean()))
    assert one.entropy == 1 and one.labels.max() == 0 and one.n_parameters == 3


def test_exact_data_need_no_variance():
    x = np.arange(20.0)
    y = np.where(np.arange(20) % 2, 1 + 2 * x, 30 - x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = em_refit(x[:, None], y, n_clusters=2, random_state=0)
    assert np.sort(found.coef.ravel()) == pytest.approx([-1, 2], abs=1e-4)


def test_recovery_where_hard_labels_fail():
    data = make_sd1(500, 2, noise=6, random_state=1)
    found = em_refit(data.X, data.y, n_clusters=2, random_state=0)
    assert found.sigma == pytest.approx([6, 6], rel=0.15)


def test_bad_arguments_get_a_sentence():
    X, y, _ = lines(0)
    for options, message in (
        ({}, "how many regimes"),
        ({"labels": np.zeros(200)}, "whole numbers"),
        ({"n_clusters": 2, "labels": np.full(200, 4)}, r"0\.\.1"),
        ({"labels": np.full(200, "a")}, "whole numbers"),
        ({"posterior": np.ones((50, 2))}, "one row of 2"),
        ({"posterior": -np.ones((200, 2))}, "one row of 2"),
        ({"posterior": np.ones(200)}, "dimension"),
        ({"n_clusters": 2, "common": [True]}, "names or numbers"),
        ({"n_clusters": 2, "guard": -1}, "guard"),
        ({"n_clusters": 2, "sample_weight": np.zeros(200)}, "positive"),
        ({"n_clusters": 2, "concomitant": np.ones((3, 1))}, "rows"),
        ({"n_clusters": 2, "groups": np.arange(3)}, "one per row"),
        (
            {
                "n_clusters": 2,
                "groups": np.arange(200) // 2,
                "sample_weight": np.arange(1.0, 201),
                "weight_type": "sampling",
            },
            "equal within",
        ),
    ):
        with pytest.raises(InputError, match=message):
            em_refit(X, y, **options)


def test_columns_that_tell_nothing_change_no_criterion_and_have_no_error():
    X, y, _ = lines(0)
    plain = em_refit(X, y, n_clusters=2, random_state=0)
    more = np.column_stack([X, np.full(len(X), 5.0), X[:, 0]])
    for given, rows in ((more[:, [0, 1]], [0, 1]), (more, None)):
        fit = em_refit(given, y, n_clusters=2, concomitant=np.ones((len(X), 1)), random_state=0)
        assert fit.n_parameters == plain.n_parameters
        assert fit.bic == pytest.approx(plain.bic, rel=1e-6)
        told = fit.summary()
        assert "No error is given" in str(told)
        se = told.table.se[told.table.regime == "1"].to_numpy()
        if rows is not None:
            assert np.allclose(se[rows], plain.summary().table.se[rows], rtol=1e-4)
            assert np.isnan(se[2])
        else:
            assert np.isnan(se[[1, 2, 3]]).all()


def test_a_summary_in_small_units_has_digits():
    X, y, _ = lines(0)
    text = str(em_refit(X, 1e-8 * y, n_clusters=2, random_state=0).summary())
    assert "e-08" in text or "e-09" in text


def test_clusters_of_errors_are_checked():
    X, y, _ = lines(0)
    units = np.arange(200) // 4
    fit = em_refit(X, y, n_clusters=2, groups=units, random_state=0)
    wide = fit.covariance("cluster", clusters=units // 2)
    assert (np.diag(wide) > 0).all()
    for clusters, kind, message in (
        (units[:50], "cluster", "clusters has shape"),
        (np.zeros(200), "cluster", "one cluster"),
        (np.arange(200), "cluster", "divides a unit"),
        (units, "louis", "go with"),
    ):
        with pytest.raises(InputError, match=message):
            fit.covariance(kind, clusters=clusters)
    with pytest.raises(InputError, match="features"):
        hard_limit(np.ones((5, 3)), fit)


def test_outliers_are_far_from_every_regime():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1))
    y = np.where(rng.random(400) < 0.5, 3 + X[:, 0], -3 - X[:, 0]) + rng.normal(size=400)
    clean = em_refit(X, y, n_clusters=2, random_state=0)
    assert clean.outliers(X, y).sum() <= 1
    assert clean.outliers(X, y, level=0.05).mean() <= 0.07
    far = y.copy()
    far[:2] += 30
    assert clean.outliers(X, far)[:2].all()
    assert not clean.outliers(X[:1], [clean.predict_regimes(X[:1])[0, 1]]).any()
    with pytest.raises(InputError, match="level"):
        clean.outliers(X, y, level=0)


def test_every_kind_of_covariance_agrees_where_the_model_is_right():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(600, 1))
    y = np.where(rng.random(600) < 0.5, 3 + X[:, 0], -3 - X[:, 0]) + rng.normal(size=600)
    found = em_refit(X, y, n_clusters=2, random_state=0)
    se = {
        kind: np.sqrt(np.diag(found.covariance(kind, n_draws=60, random_state=0)))
        for kind in ("louis", "opg", "sandwich", "cluster", "bootstrap")
    }
    for kind, errors in se.items():
        assert errors == pytest.approx(se["louis"], rel=0.35 if kind == "bootstrap" else 0.2)
    assert se["cluster"] == pytest.approx(se["sandwich"])
    table = found.summary("sandwich").table
    assert table.se.to_numpy() == pytest.approx(se["sandwich"])


def likelihood_of(table, X, y, *, unit, weight, V):
    """Log-likelihood of a mixture from its definition, a function of the column `estimate`."""
    K = int(table.regime[table.regime != "all"].astype(int).max())
    alone = unit.max() + 1 == len(y)
    inside = 1.0 if alone else weight
    weight_of_unit = weight if alone else np.ones(unit.max() + 1)

    def value(theta):
        given = dict(zip(zip(table.regime, table.term, strict=True), theta, strict=True))
        joint = np.zeros((unit.max() + 1, K))
        gate = np.zeros_like(joint)
        for k in range(K):
            own = {term: v for (r, term), v in given.items() if r in (str(k + 1), "all")}
            mean = own["intercept"] + sum(own[c] * X[c] for c in X)
            log_sigma = own["log sigma"]
            rows = -0.5 * ((y - mean) / np.exp(log_sigma)) ** 2 - log_sigma
            np.add.at(joint[:, k], unit, inside * (rows - 0.5 * np.log(2 * np.pi)))
            gate[:, k] = own.get("logit", 0.0)
            gate[:, k] += sum(own.get(f"logit {c}", 0.0) * V[c] for c in V or ())
        return weight_of_unit @ (logsumexp(joint + gate, axis=1) - logsumexp(gate, axis=1))

    return value


def hessian(value, theta, step):
    """Second derivatives by central differences."""
    q = len(theta)
    H = np.empty((q, q))
    for a in range(q):
        for b in range(a + 1):
            ends = [
                s * t * value(theta + s * step[a] * np.eye(q)[a] + t * step[b] * np.eye(q)[b])
                for s in (1, -1)
                for t in (1, -1)
            ]
            H[a, b] = H[b, a] = sum(ends) / (4 * step[a] * step[b])
    return H


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shared_variance": True},
        {"common": ["b"]},
        {"common": ["a", "b"], "shared_variance": True},
        {"sample_weight": True},
        {"groups": True, "sample_weight": True, "common": ["b"]},
        {"concomitant": True, "groups": True, "shared_variance": True},
    ],
    ids=str,
)
def test_covariance_is_that_of_a_numerical_hessian(options):
    rng = np.random.default_rng(4)
    unit = np.arange(120) // 2
    X = pd.DataFrame(rng.normal(2, 3, size=(120, 2)), columns=["a", "b"])
    side = rng.integers(0, 2, 60)[unit]
    y = np.where(side, 4 + X.a, -4 - X.a) + 0.5 * X.b + rng.normal(1, 1.5, size=120)
    weight = rng.integers(1, 4, 120).astype(float)
    V = pd.DataFrame({"v": rng.normal(size=60)[unit]})
    given = {"groups": unit, "sample_weight": weight, "concomitant": V}
    call = {name: given.get(name, option) for name, option in options.items()}
    found = em_refit(X, y, n_clusters=2, random_state=0, **call)
    table = found.summary().table
    value = likelihood_of(
        table,
        X,
        y,
        unit=unit if "groups" in options else np.arange(120),
        weight=weight if "sample_weight" in options else np.ones(120),
        V={"v": V.v.to_numpy()[::2]} if "concomitant" in options else None,
    )
    theta = table.estimate.to_numpy()
    assert value(theta) == pytest.approx(found.log_likelihood, abs=1e-6)
    H = hessian(value, theta, 0.01 * table.se.to_numpy())
    ours = found.covariance().to_numpy()
    se = np.sqrt(np.diag(ours))
    wanted = np.linalg.inv(-H)
    np.testing.assert_allclose(ours / np.outer(se, se), wanted / np.outer(se, se), atol=2e-3)


def pressing(monkeypatch, at):
    """Every step of EM is a call, and at one of them the user presses Ctrl-C."""
    plain = em.em
    calls = []

    def pressed(*args):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return plain(*args)

    monkeypatch.setattr(em, "em", pressed)
    monkeypatch.setattr(em, "_SLICE", 1.0)


def two_lines(n=80):
    """Rows of two noisy lines."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 1))
    return x, np.where(np.arange(n) % 2, 1 + x[:, 0], -x[:, 0]) + 0.3 * rng.normal(size=n)


@pytest.mark.parametrize("K", [2, 3])
def test_an_interrupt_of_em_keeps_the_best_so_far_and_stops_what_needs_its_end(monkeypatch, K):
    data = two_lines()
    whole = em_refit(*data, n_clusters=K, random_state=0)
    pressing(monkeypatch, -1)
    same = em_refit(*data, n_clusters=K, random_state=0)
    assert same.log_likelihood == whole.log_likelihood and same.n_iter == whole.n_iter
    assert not same.interrupted
    for at in (1, 3, 20):
        monkeypatch.undo()
        pressing(monkeypatch, at)
        with pytest.warns(DataWarning, match="Interrupted"):
            found = em_refit(*data, n_clusters=K, random_state=0)
        assert found.interrupted and not found.converged
        density = logsumexp(found.log_density(*data), axis=1).sum()
        assert found.log_likelihood == pytest.approx(density, rel=1e-9)
    monkeypatch.undo()
    pressing(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt), pytest.warns(DataWarning):
        em_refit(*data, n_clusters=K, random_state=0).whole()


def test_an_interrupted_bootstrap_rests_on_the_draws_that_are_done(monkeypatch):
    mixture = em_refit(*two_lines(), n_clusters=2, random_state=0)
    pressing(monkeypatch, 60)
    with pytest.warns(DataWarning, match=r"Interrupted after \d+ of 500 draws"):
        V = mixture.covariance("bootstrap", n_draws=500, random_state=0)
    assert (np.diag(V) > 0).all()
    monkeypatch.undo()
    pressing(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        mixture.covariance("bootstrap", n_draws=500, random_state=0)
