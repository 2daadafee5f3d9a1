"""Screening of interactions: exact, whatever the table looks like, and independent of how it is
computed."""

import itertools
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold

from lpc_ns.base.errors import DataWarning, InputError, MissingBackendError
from lpc_ns.ibc.terms.projections import screen_approximate, screen_squares, square_correlations
from lpc_ns.ibc.terms.ranking import rank_terms, term_columns
from lpc_ns.ibc.terms.screening import screen_pairs, screen_triples
from lpc_ns.ibc.terms.selection import PENALTIES, select_interactions


def least_squares_f(X, y, term, others=()):
    """Partial F of a term beside its proper divisors and `others`, by a library's least squares;
    NaN if the term adds nothing."""
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    lower = {d for r in range(1, len(term)) for d in itertools.combinations(term, r)} | {
        (j,) for j in others
    }
    base = np.column_stack([np.ones(len(y)), *(np.prod(X[:, d], axis=1) for d in sorted(lower))])
    full = np.column_stack([base, np.prod(X[:, term], axis=1)])
    ranks = [np.linalg.matrix_rank(Z, tol=1e-8 * np.linalg.norm(Z)) for Z in (base, full)]
    if ranks[0] == ranks[1]:
        return np.nan
    small, large = (
        np.sum((y - Z @ np.linalg.lstsq(Z, y, rcond=1e-12)[0]) ** 2) for Z in (base, full)
    )
    return (small - large) / large * (len(y) - ranks[1])


def tables():
    """Tables of different kinds, by name."""
    rng = np.random.default_rng(0)
    n = 70
    common = rng.normal(size=(n, 1))
    factor = rng.integers(0, 4, n)
    return {
        "normal": rng.normal(size=(n, 8)),
        "correlated": rng.normal(size=(n, 8)) + 5 * common,
        "far from the origin": (
            rng.normal(size=(n, 8)) * np.geomspace(1e-6, 1e6, 8) + np.geomspace(1, 1e7, 8)
        ),
        "heavy tails": rng.standard_t(1.5, size=(n, 8)),
        "dummies": np.column_stack(
            [*np.eye(4)[factor].T, rng.normal(size=n), rng.random(n) < 0.1, rng.poisson(0.3, n)]
        ),
        "nearly copies": common + 1e-3 * rng.normal(size=(n, 6)),
    }


@pytest.mark.parametrize("name", tables())
@pytest.mark.parametrize("main_effects", ["pair", "all"])
def test_every_term_of_every_table_against_least_squares(name, main_effects):
    X = tables()[name]
    p = X.shape[1]
    y = X[:, 0] / X[:, 0].std() + np.random.default_rng(1).normal(size=len(X))
    others = range(p) if main_effects == "all" else ()
    wanted = {
        t: least_squares_f(X, y, t, others)
        for t in itertools.combinations_with_replacement(range(p), 2)
    }
    wanted = {t: f for t, f in wanted.items() if not np.isnan(f)}
    for dtype in ("float32", "float64"):
        found = screen_pairs(X, y, top=1000, main_effects=main_effects, dtype=dtype)
        assert set(found.terms) == set(wanted)
        assert found.n_terms == p * (p + 1) // 2 == len(wanted) + found.n_degenerate
        # the reference itself loses digits where columns are nearly dependent or far from the
        # origin
        tolerance = {"nearly copies": 1e-5, "far from the origin": 1e-7}.get(name, 1e-9)
        np.testing.assert_allclose(
            found.f_statistic, [wanted[t] for t in found.terms], rtol=tolerance, atol=1e-8
        )


def test_result_does_not_depend_on_how_it_is_computed():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(90, 40)) + rng.normal(size=(90, 1))
    y = X[:, 3] * X[:, 4] + X[:, 7] ** 2 + rng.normal(size=90)
    reference = screen_pairs(X, y, top=30, block_size=1000, dtype="float64")
    for block_size, dtype in itertools.product((1, 7, 16), ("float32", "float64")):
        other = screen_pairs(X, y, top=30, block_size=block_size, dtype=dtype)
        assert other.terms == reference.terms
        np.testing.assert_array_equal(other.f_statistic, reference.f_statistic)
    reversed_columns = screen_pairs(X[:, ::-1], y, top=30)
    assert [tuple(sorted(39 - j for j in t)) for t in reversed_columns.terms] == list(
        reference.terms
    )
    np.testing.assert_allclose(
        screen_pairs(5 - 3 * X, 100 * y + 7, top=30).f_statistic, reference.f_statistic, rtol=1e-9
    )


def test_best_terms_of_many_are_the_best_terms():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 70))
    y = rng.normal(size=50)
    everything = rank_terms(X, y, itertools.combinations_with_replacement(range(70), 2))
    best = screen_pairs(X, y, top=15)
    assert best.terms == everything.terms[:15]
    np.testing.assert_array_equal(best.f_statistic, everything.f_statistic[:15])
    np.testing.assert_array_equal(best.df, everything.df[:15])
    assert np.isnan(best.p_bonferroni).all()  # beside the pair alone F is a score


def test_copies_tie_in_the_order_of_their_columns():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 5))
    X = np.column_stack([X, X[:, :3]])
    y = X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=60)
    found = screen_pairs(X, y, top=4)
    assert found.terms == ((0, 1), (0, 6), (1, 5), (5, 6))
    assert np.ptp(found.f_statistic) < 1e-9 * found.f_statistic[0]


def test_frame_and_names():
    data = load_diabetes(as_frame=True)
    found = screen_pairs(data.data, data.target, top=3)
    frame = found.to_frame()
    assert list(frame["term"]) == found.to_frame(list(data.data.columns))["term"].tolist()
    assert frame["term"][0] == "age * s2"
    assert repr(found).startswith("InteractionRanking(3 of 55 terms: age * s2 (F = ")
    values = data.data.to_numpy()
    np.testing.assert_allclose(
        frame["score"],
        [least_squares_f(values, data.target.to_numpy(), t) for t in found.terms],
        rtol=1e-9,
    )
    assert found.variables[:2] == found.terms[0]
    beside_all = screen_pairs(data.data, data.target, top=3, main_effects="all").to_frame()
    assert beside_all["term"][0] == "age * sex" and beside_all["p_bonferroni"][0] < 0.05


def test_triples_of_every_table_against_single_regressions():
    for name, X in tables().items():
        if name == "nearly copies":
            continue
        y = np.prod(X[:, :3] / X[:, :3].std(axis=0), axis=1) + np.random.default_rng(5).normal(
            size=len(X)
        )
        found = screen_triples(X, y, top=1000)
        reference = rank_terms(X, y, itertools.combinations(range(X.shape[1]), 3))
        assert set(found.terms) <= set(reference.terms)
        expected = dict(zip(reference.terms, reference.f_statistic, strict=True))
        np.testing.assert_allclose(found.f_statistic, [expected[t] for t in found.terms], rtol=1e-9)
        if (
            name != "dummies"
        ):  # with dummies, divisors of a triple are dependent: the scan counts it as degenerate
            assert len(found) == len(reference) == found.n_terms - found.n_degenerate


def test_triples_agree_with_least_squares():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(80, 7))
    y = X[:, 1] * X[:, 2] * X[:, 5] + X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=80)
    found = screen_triples(X, y, top=5)
    assert found.terms[0] == (1, 2, 5)
    np.testing.assert_allclose(
        found.f_statistic, [least_squares_f(X, y, t) for t in found.terms], rtol=1e-9
    )


@pytest.mark.parametrize("skewed", [False, True])
def test_square_correlations_are_correlations(skewed):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(200, 12)) ** 2 if skewed else rng.normal(size=(200, 12))
    y = X[:, 2] + X[:, 3] * X[:, 8] + 0.1 * rng.normal(size=200)
    Z = np.column_stack([np.ones(200), X])
    residual = y - Z @ np.linalg.lstsq(Z, y)[0]
    expected = [np.corrcoef(residual**2, (x - x.mean()) ** 2)[0, 1] ** 2 for x in X.T]
    np.testing.assert_allclose(square_correlations(X, y), expected, rtol=1e-9)
    found = screen_squares(X, y, n_variables=3, top=2)
    assert found.n_terms == 78
    assert set(found.variables) <= set(np.argsort(expected)[-3:])
    assert skewed or found.terms[0] == (3, 8)
    assert screen_squares(X, y, n_variables=12, top=5).terms == screen_pairs(X, y, top=5).terms


def test_square_correlations_of_two_values():
    X = np.column_stack(
        [np.tile([-1.0, 1.0], 30), np.random.default_rng(8).normal(size=60), np.zeros(60)]
    )
    with pytest.warns(DataWarning, match="constant column"):
        scores = square_correlations(X, X[:, 1] * X[:, 0])
    assert scores[0] == scores[2] == 0 < scores[1] <= 1


@pytest.mark.parametrize("sign", [1, -1])
def test_approximate_search_finds_what_the_exact_one_does(sign):
    rng = np.random.default_rng(9)
    X = rng.choice([-1.0, 1.0], size=(200, 300))
    y = sign * X[:, 100] * X[:, 250] + 0.5 * rng.normal(size=200)
    found = screen_approximate(X, y, top=5, random_state=0)
    exact = screen_pairs(X, y, top=5, include_squares=False)
    assert found.terms[0] == exact.terms[0] == (100, 250)
    assert found.n_terms == exact.n_terms == 44850
    np.testing.assert_allclose(
        found.f_statistic, [least_squares_f(X, y, t) for t in found.terms], rtol=1e-9
    )
    assert len(set(found.terms)) == 5
    assert screen_approximate(X, y, top=5, random_state=0).terms == found.terms


def test_approximate_search_without_pairs():
    rng = np.random.default_rng(10)
    y = rng.normal(size=30)
    assert len(screen_approximate(y[:, None] ** 2, y, random_state=0)) == 0
    rare = (rng.random((30, 200)) < 0.03).astype(float)
    rare[0] = 1 - rare[1]
    assert len(screen_approximate(rare, y, random_state=0)) >= 0
    with pytest.raises(InputError, match="at most 62"):
        screen_approximate(rare, y, n_samples=63)


@pytest.fixture
def screened():
    """A table in correlated groups with one product and one lone main effect, and what the screen
    makes of it."""
    rng = np.random.default_rng(11)
    X = 0.5 * rng.normal(size=(250, 9)) + np.repeat(rng.normal(size=(250, 3)), 3, axis=1) + 10
    y = 2 * (X[:, 0] - 10) * (X[:, 3] - 10) + X[:, 8] + rng.normal(size=250)
    return X, y, screen_pairs(X, y, top=6)


def design_and_coefficients(X, selection, candidates):
    """The standardised columns of a fit and its coefficients."""
    Z = np.hstack([X, term_columns(X - X.mean(axis=0), candidates)])
    kept = dict(zip(selection.terms, selection.coef, strict=True))
    return (Z - Z.mean(axis=0)) / Z.std(axis=0), np.append(
        selection.main_coef, [kept.get(t, 0.0) for t in candidates]
    )


@pytest.mark.certify  # the group lasso's own kernels compile for as long as a module of tests
def test_group_selection_is_optimal_and_hierarchical(screened):
    pytest.importorskip("skglm", reason="the group lasso needs the optional package skglm")
    X, y, ranking = screened
    candidates = list(dict.fromkeys([*ranking.terms, (1, 4, 7), (1, 4), (1, 7), (4, 7)]))
    selection = select_interactions(X, y, candidates, method="group", random_state=0)
    assert selection.terms[0] == (0, 3)
    assert all(selection.main_coef[j] != 0 for term in selection.terms for j in term)
    Z, b = design_and_coefficients(X, selection, candidates)
    gradient = Z.T @ (y - y.mean() - Z @ b) / len(y)
    columns = [(j,) for j in range(9)] + candidates
    for k, term in enumerate(columns):
        group = [
            columns.index(d)
            for r in range(1, len(term))
            for d in {*itertools.combinations(term, r)}
        ] + [k]
        size = np.linalg.norm(gradient[group]) / np.sqrt(len(group))
        assert size <= selection.alpha * (1 + 1e-3)
        if (
            b[k] != 0 and term not in [(1, 4), (1, 7), (4, 7)] and len(term) > 1
        ):  # other groups hold these too
            assert size == pytest.approx(selection.alpha, rel=1e-3)


def test_missing_group_lasso_says_so(screened, monkeypatch):
    monkeypatch.setitem(sys.modules, "skglm", None)
    with pytest.raises(
        MissingBackendError, match=r"pip install 'lpc_ns\[group\]', or use method='hierarchical'"
    ):
        select_interactions(*screened, method="group")


def test_hierarchical_keeps_main_effects_free(screened):
    X, y, ranking = screened
    selection = select_interactions(X, y, ranking, method="hierarchical", random_state=1)
    assert selection.terms[0] == (0, 3)
    Z, b = design_and_coefficients(X, selection, ranking.terms)
    gradient = Z.T @ (y - y.mean() - Z @ b) / len(y)
    free = np.append(np.isin(np.arange(9), ranking.variables), np.zeros(len(ranking), dtype=bool))
    assert np.abs(gradient[free]).max() < 1e-10
    assert np.abs(gradient[~free]).max() <= selection.alpha * (1 + 1e-2)
    moved = select_interactions(3 * X - 40, y, ranking, method="hierarchical", random_state=1)
    np.testing.assert_allclose(moved.coef, selection.coef, rtol=1e-6)


@pytest.mark.parametrize("method", PENALTIES[:3])
def test_selection_options(screened, method):
    X, y, ranking = screened
    by_ranking = select_interactions(X, y, ranking, method=method, cv=KFold(4))
    by_tuples = select_interactions(
        pd.DataFrame(X, columns=list("abcdefghi")),
        y,
        list(ranking.terms),
        method=method,
        cv=KFold(4),
    )
    assert by_ranking.terms == by_tuples.terms
    assert by_tuples.to_frame()["term"].tolist()[-len(by_tuples)] == "a * d"
    assert len(by_tuples.to_frame()) == len(by_tuples) + np.count_nonzero(by_tuples.main_coef)
    assert by_ranking.n_candidates == 6
    mains_only = select_interactions(X, y, [], method=method)
    assert len(mains_only) == 0
    assert mains_only.main_coef[8] > 0.5
    with pytest.warns(DataWarning, match="target is constant"):
        assert len(select_interactions(X, np.ones(250), ranking, method=method)) == 0


@pytest.mark.parametrize(
    "screen", [screen_pairs, screen_triples, screen_squares, screen_approximate]
)
def test_every_screen_refuses_and_warns_alike(screen):
    rng = np.random.default_rng(12)
    X = rng.normal(size=(40, 6))
    y = rng.normal(size=40)
    with pytest.raises(InputError, match="top is 0"):
        screen(X, y, top=0)
    with pytest.raises(InputError, match="need at least"):
        screen(X[:4], y[:4])
    with pytest.raises(InputError, match="NaN"):
        screen(np.where(X > 2, np.nan, X), y)
    X[:, 2] = 3.0
    with pytest.warns(DataWarning, match=r"1 constant column in X \(2\)"):
        found = screen(X, y)
    assert all(2 not in term for term in found.terms)
    with pytest.warns(DataWarning, match="target is constant"):
        assert len(screen(X[:, :2], np.full(40, 0.1))) == 0


def test_smallest_tables():
    rng = np.random.default_rng(13)
    X = rng.normal(size=(5, 2))
    y = rng.normal(size=5)
    found = screen_pairs(X, y)
    assert found.terms[0] in {(0, 1), (0, 0), (1, 1)}
    assert set(found.df.tolist()) == {1, 2}
    assert screen_pairs(X[:, :1], y).terms == ((0, 0),)
    assert len(screen_pairs(X[:, :1], y, include_squares=False)) == 0
