"""Everything that continuous integration checks, in one command.

    python scripts/check.py [--quick]

Each step prints its name and its seconds; the first one that fails ends the run with its output.
What fails most often comes first. `--quick` leaves out notebooks, wheel, site and slow tests.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from notebooks import KERNELS

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable


def run(*command, **kwargs):
    """Run a command in the project's folder; its failure is ours."""
    subprocess.run([str(c) for c in command], cwd=ROOT, check=True, **kwargs)


def tracked_state():
    """What git sees of notebooks and library: the text of the difference and the untracked
    files."""
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", "nbs", "lpc_ns"]
    status = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    diff = subprocess.run(
        ["git", "diff", "--", "nbs", "lpc_ns"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return status + diff


def check_export():
    """Exporting and cleaning change nothing: module and notebook were committed together."""
    before = tracked_state()
    run("nbdev_export")
    run("nbdev_clean")
    after = tracked_state()
    if before != after:
        print(after)
        raise SystemExit(
            "nbdev_export or nbdev_clean changed files: run them and commit the result."
        )


def check_lint():
    run(PYTHON, "-m", "ruff", "check", ".")


def check_readme():
    run(PYTHON, "scripts/readme.py", "--check")


def pytest(*arguments):
    """Run tests in as many processes as PYTEST_WORKERS says, two without it."""
    workers = os.environ.get("PYTEST_WORKERS", "2")
    options = ["-q", "-n", workers, "--dist", "worksteal", "-rs", "--durations=8"]
    run(PYTHON, "-m", "pytest", *options, *arguments)


def check_quick_tests():
    """The tests that take a moment and need no notebook."""
    pytest("tests", "--ignore=tests/test_notebooks.py", "-m", "not slow and not certify")


def check_kernels():
    """Every part compiles; what tests and notebooks call is compiled once, not in each process."""
    run("lpc-ns", "warm")


def check_tests():
    """All but those that show on more data what others show, which `make certify` runs."""
    pytest("tests", "--ignore=tests/test_notebooks.py", "-m", "not certify")


def check_notebooks():
    """All but the longest, which `make certify` executes."""
    pytest("tests/test_notebooks.py", "-m", "not certify")


def check_wheel():
    """The wheel builds, installs without the development tools and works outside the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        run(PYTHON, "-m", "build", "--wheel", "--outdir", folder, stdout=subprocess.DEVNULL)
        wheel = next(folder.glob("*.whl"))
        venv.create(folder / "env", with_pip=True)
        python = folder / "env" / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "-q", wheel], cwd=folder, check=True)
        program = (
            "import lpc_ns.cli, lpc_ns; print('lpc_ns', lpc_ns.__version__, 'imports from the"
            " wheel')"
        )
        subprocess.run([python, "-W", "error", "-c", program], cwd=folder, check=True)
        subprocess.run(
            [folder / "env" / "bin" / "lpc-ns", "--help"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )


def check_docs():
    run(PYTHON, "scripts/docs.py")


def check_wheel_and_docs():
    """Both at a time, for each is the work of one core."""
    with ThreadPoolExecutor(2) as cores:
        for step in [cores.submit(check_wheel), cores.submit(check_docs)]:
            step.result()


FIRST = [check_export, check_lint, check_readme]
QUICK = [*FIRST, check_quick_tests]
STEPS = [*FIRST, check_kernels, check_tests, check_notebooks, check_wheel_and_docs]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="export, lint and quick tests")
    os.environ.setdefault("NUMBA_CACHE_DIR", str(KERNELS))
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one for each of the test processes
    for step in QUICK if parser.parse_args().quick else STEPS:
        name = step.__name__.removeprefix("check_")
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        try:
            step()
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"== {name} failed: {' '.join(map(str, error.cmd))}") from None
        print(f"== {name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
