"""The wheel ``openedx-badges``: the package ``badges`` alone, without the standalone project and the tests."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """The requirements in ``requirements/<name>.in``, without comments and pip options."""
    lines = (HERE / "requirements" / f"{name}.in").read_text().splitlines()
    stripped = (line.partition(" #")[0].strip() for line in lines)
    return [line for line in stripped if line and not line.startswith(("#", "-"))]


def version() -> str:
    """``badges.__version__``, read without importing the package."""
    found = re.search(r'^__version__ = "([^"]+)"$', (HERE / "badges" / "__init__.py").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError('badges/__init__.py has no line __version__ = "…"')
    return found.group(1)


def long_description() -> str:
    """README and change log, as the package index shows them."""
    return "\n\n".join((HERE / name).read_text() for name in ("README.rst", "CHANGELOG.rst") if (HERE / name).exists())


setup(
    name="openedx-badges",
    version=version(),
    description="A badge engine for the Open edX Credentials service",
    long_description=long_description(),
    long_description_content_type="text/x-rst",
    license="AGPL-3.0-or-later",
    license_files=["LICENSE"],
    keywords="Open edX credentials badges Credly",
    packages=find_packages(include=["badges", "badges.*"]),
    package_data={
        "badges": [
            "py.typed",
            "locale/*/LC_MESSAGES/*",
            "static/**/*",
            "templates/**/*",
        ],
    },
    python_requires=">=3.11",
    install_requires=requirements("base"),
    extras_require={name: requirements(name) for name in ("kafka", "prometheus", "redis")},
    entry_points={"credentials.djangoapp": ["badges = badges.apps:BadgesConfig"]},
    zip_safe=False,
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Web Environment",
        "Framework :: Django",
        "Framework :: Django :: 5.2",
        "Framework :: Django :: 6.0",
        "Intended Audience :: Education",
        "Intended Audience :: System Administrators",
        "Natural Language :: English",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Typing :: Typed",
    ],
)
