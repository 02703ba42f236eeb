"""A report in a real browser: both themes, no complaint, no request, everything on paper."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import command, write_table

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium (Debian: apt-get install chromium)"),
]

DARK, LIGHT = "0", "1"
"""Values of Blink's preferredColorScheme."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on a small model, with every section that such a model can have."""
    folder = tmp_path_factory.mktemp("report")
    write_table(folder / "table.csv", rows=200)
    options = ("--max-trials", "2", "--threads", "1", "--time", "100s", "--output", "m.mw")
    done = command(folder, "train", "table.csv", "--target", "bought", *options, timeout=200)
    assert done.returncode == 0, done.stderr
    done = command(folder, "report", "m.mw", "-o", "report.html", "--time", "5s")
    assert done.returncode == 0, done.stderr
    return folder / "report.html"


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Open a page headless with more options."""

    def open_page(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
        fixed = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
        quiet = ("--no-first-run", "--disable-background-networking", "--disable-component-update")
        own = (f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr")
        return subprocess.run(
            [str(CHROMIUM), *fixed, *quiet, *own, *options, page.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")},
        )

    return open_page


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What the page's console said."""
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize(
    ("theme", "ground"), [(LIGHT, (255, 255, 255)), (DARK, (0x15, 0x18, 0x1D))], ids=["light", "dark"]
)
def test_it_opens_in_both_themes_without_complaint(
    theme: str, ground: tuple[int, int, int], page: Path, browse: Callable[..., Any], tmp_path: Path
) -> None:
    log, shot = tmp_path / "net.json", tmp_path / "shot.png"
    done = browse(
        page,
        f"--blink-settings=preferredColorScheme={theme}",
        f"--log-net-log={log}",
        "--window-size=1000,1400",
        f"--screenshot={shot}",
    )
    assert done.returncode == 0, done.stderr
    assert complaints(done) == []
    assert requests_of_pages(log) == []
    assert first_pixel(shot) == ground


def test_a_complaint_and_a_request_would_be_seen(tmp_path: Path, browse: Callable[..., Any]) -> None:
    bad, log = tmp_path / "bad.html", tmp_path / "net.json"
    bad.write_text("<script>console.error('ouch')</script><img src='http://127.0.0.1:9/x.png'>")
    done = browse(bad, f"--log-net-log={log}", f"--screenshot={tmp_path / 'shot.png'}")
    assert any("ouch" in line for line in complaints(done))
    assert "http://127.0.0.1:9/x.png" in requests_of_pages(log)


def test_paper_shows_what_is_folded(page: Path, browse: Callable[..., Any], tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    done = browse(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    assert done.returncode == 0, done.stderr
    assert paper.read_bytes().startswith(b"%PDF")
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (Debian: apt-get install poppler-utils)")
    text = subprocess.run(["pdftotext", str(paper), "-"], capture_output=True, text=True, check=True).stdout
    assert "Gain and lift of yes" in text
    assert "lowest probability" in " ".join(text.split())  # a heading inside a closed table


def requests_of_pages(log: Path) -> list[str]:
    """Addresses that a page, not the browser itself, asked for."""
    events = json.loads(log.read_text("utf-8"))["events"]
    asked = [event.get("params", {}) for event in events]
    # A page that lies in a file has the origin null; what the browser asks for itself has none.
    addresses = {
        each["url"] for each in asked if "url" in each and each.get("initiator") in ("null", "file://")
    }
    return sorted(address for address in addresses if not address.startswith(("file:", "data:")))


def first_pixel(image: Path) -> tuple[int, int, int]:
    """Red, green and blue of the upper left corner of a PNG: there no filter changes anything."""
    content, place, packed = image.read_bytes(), 8, b""
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        if content[place + 4 : place + 8] == b"IDAT":
            packed += content[place + 8 : place + 8 + length]
        place += 12 + length
    red, green, blue = zlib.decompress(packed)[1:4]
    return red, green, blue
