"""What all tests share: the place of the golden files, and property tests without deadlines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# A slow machine is no defect: property tests have no deadline, and CI draws the same examples each time.
settings.register_profile("gsv", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
settings.load_profile("gsv")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden",
        type=Path,
        default=ROOT.parent / "shared" / "golden",
        help="the folder of golden files (default: ../shared/golden beside the repository)",
    )
    parser.addoption(
        "--raw-minutes",
        type=float,
        default=1.0,
        help="minutes of the raw recording that goes through the page (default: 1; the whole journey: 20)",
    )


@pytest.fixture(scope="session")
def golden(request: pytest.FixtureRequest) -> Path:
    """The folder of golden files; the test is skipped without it, but fails where CI is set."""
    folder: Path = request.config.getoption("--golden")
    if folder.is_dir():
        return folder
    reason = f"no golden files at {folder} (name them with --golden DIR)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return ROOT
