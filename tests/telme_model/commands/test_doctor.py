"""The report says what is there, and survives what is broken."""

import importlib.metadata
import json
import sys
from pathlib import Path

import psutil
import pytest

from telme_model import __version__
from telme_model.commands import doctor


@pytest.mark.slow
def test_the_report_tells_the_sections_of_a_working_machine() -> None:
    data = doctor.report_data()
    assert data["system"]["TelME Studio"] == __version__
    assert data["GPU"]["torch"].startswith("2.11.")
    assert data["media"] == data["media"] | {"PyAV": importlib.metadata.version("av"), "missing decoders": []}
    assert data["screen"]["platform"] == "offscreen"
    assert set(data) == {
        "system", "packages", "GPU", "sound", "screen", "media", "speech synthesiser", "folders", "demo",
    }  # fmt: skip
    json.dumps(data)


def test_every_fact_is_a_line_and_the_home_folder_is_not_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr(doctor, "_ask", lambda code: {"devices": [], "usable": False, "version": None})
    text = doctor.report()
    assert f"  TelME Studio: {__version__}" in text.splitlines()
    assert "  Hugging Face: ~/hub (not made yet, " in text
    assert str(tmp_path) not in text
    assert "\nGPU\n  devices: none\n  usable: no\n  version: none\n" in text


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "raise OSError('PortAudio library not found')",
            "not working: OSError: PortAudio library not found (exit code 1)",
        ),
        ("import os; os.abort()", "not working: no message (stopped by signal 6)"),
        (
            "import os, sys; print('no display\\nmore', file=sys.stderr, flush=True); os.abort()",
            "not working: no display (stopped by signal 6)",
        ),
        ("raise SystemExit(3)", "not working: no message (exit code 3)"),
    ],
)
def test_a_broken_part_is_a_sentence(code: str, sentence: str) -> None:
    assert doctor._ask(code) == sentence


def test_a_part_that_hangs_is_a_sentence() -> None:
    assert doctor._ask("import time; time.sleep(60)", patience=0.2) == "not working: no answer within 0.2 seconds"


def test_an_interpreter_that_cannot_start_costs_its_sections_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    data = doctor.report_data()
    assert data["GPU"].startswith("cannot be told: FileNotFoundError")
    assert data["system"]["TelME Studio"] == __version__


def test_a_failing_probe_costs_its_section_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("/proc is not mounted")

    monkeypatch.setattr(psutil, "virtual_memory", broken)
    monkeypatch.setattr(doctor, "_ask", lambda code: {})
    data = doctor.report_data()
    assert data["system"] == "cannot be told: RuntimeError: /proc is not mounted"
    assert "working folder" in data["folders"]


def test_packages_that_are_absent_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["numpy<3,>=2.2", "no-such-package", 'no-such-extra>=1; extra == "bench"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted)
    assert doctor._packages() == {
        "no-such-extra": "not installed (optional)",
        "no-such-package": "NOT INSTALLED",
        "numpy": importlib.metadata.version("numpy"),
    }


def test_a_project_that_is_not_installed_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PROJECT", "no-such-project")
    assert "pip install" in doctor._packages()["no-such-project"]


def test_demo_resources_are_counted_or_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "DEMO", tmp_path)
    assert doctor._demo().startswith(f"missing: {tmp_path}")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "clip.mp4").write_bytes(bytes(2**20))
    assert doctor._demo() == "1 files, 1.0 MiB: corpus"


def test_a_machine_without_a_synthesiser_is_told_what_that_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert doctor._espeak().startswith("espeak-ng not found")
