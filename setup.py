"""Package metadata, read from settings.ini so that nbdev and pip share one source."""

import shlex
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).resolve().parent
parser = ConfigParser(delimiters=["="])
parser.read(here / "settings.ini", encoding="utf-8")
config = parser["DEFAULT"]
package = config["lib_path"]


def words(key):
    """Split one space-separated setting."""
    return shlex.split(config.get(key, ""))


setup(
    name=config["lib_name"],
    version=config["version"],
    description=config["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=config["author"],
    author_email=config["author_email"],
    url=config["git_url"],
    project_urls={"Documentation": config["doc_host"] + config["doc_baseurl"] + "/"},
    keywords=config["keywords"],
    license="MIT",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering",
    ],
    packages=find_packages(include=[package, f"{package}.*"]),
    package_data={package: ["py.typed"]},
    python_requires=">=" + config["min_python"],
    install_requires=words("requirements"),
    extras_require={
        "dask": words("dask_requirements"),
        "dev": words("dev_requirements"),
        "excel": words("excel_requirements"),
        "group": words("group_requirements"),
        "parquet": words("parquet_requirements"),
        "uci": words("uci_requirements"),
    },
    entry_points={
        "console_scripts": words("console_scripts"),
        "nbdev": [f"{package}={package}._modidx:d"],
    },
    zip_safe=False,
)
