"""The guards of conftest.py catch what they are there for."""

from pathlib import Path

import pytest


@pytest.fixture
def guarded(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder of tests under this project's conftest and settings."""
    here = Path(__file__).parent
    pytester.makeconftest((here / "conftest.py").read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nfilterwarnings = error\nmarkers = expects_log(*patterns): as in pyproject.toml\n")
    return pytester


# The inner tests run in this process, so the outer ones log the same.
@pytest.mark.expects_log("disk full")
def test_an_unexpected_warning_in_the_log_fails(guarded: pytest.Pytester) -> None:
    guarded.makepyfile("import logging\ndef test_it() -> None: logging.getLogger('a.b').warning('disk %s', 'full')")
    guarded.runpytest().stdout.fnmatch_lines(["*logged unexpectedly*", "*WARNING a.b: disk full*"])


@pytest.mark.expects_log("disk full", "memory full")
def test_what_the_marker_describes_must_be_logged_and_nothing_else(guarded: pytest.Pytester) -> None:
    guarded.makepyfile("""
        import logging, pytest
        @pytest.mark.expects_log("ERROR .*: disk")
        def test_met() -> None: logging.error("disk full")
        @pytest.mark.expects_log("ERROR .*: disk")
        def test_unmet() -> None: logging.info("disk full")
        @pytest.mark.expects_log("ERROR .*: disk")
        def test_more() -> None: logging.error("disk full"); logging.error("memory full")
    """)
    result = guarded.runpytest()
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(["*expected, but not logged: ERROR*disk", "*ERROR root: memory full"])


def test_tests_run_alone_on_one_thread_without_network_or_screen() -> None:
    import os

    import torch

    assert torch.get_num_threads() == 1
    assert (os.environ["HF_HUB_OFFLINE"], os.environ["QT_QPA_PLATFORM"]) == ("1", "offscreen")
