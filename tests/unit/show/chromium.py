"""Chromium without a screen: the page as a browser draws it, asked by a script that stands beside it."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

INSTALL = "apt-get install --yes chromium"
QUESTIONS = Path(__file__).with_name("questions.js")
AXE_QUESTIONS = Path(__file__).with_name("axe_questions.js")
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--no-pdf-header-footer", "--window-size=1280,900", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
ANSWER = re.compile(r'<output id="answers">(.*?)</output>', re.DOTALL)


def program() -> str | None:
    """Debian calls it chromium, others chromium-browser or google-chrome."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def asked(html: str, folder: Path) -> dict[str, Any]:
    """What questions.js answers of the page, which itself runs nothing."""
    script = f"<script>{QUESTIONS.read_text(encoding='utf-8')}</script>"
    page = folder / "asked.html"
    page.write_text(html.replace("</body>", f"{script}</body>"), encoding="utf-8")
    told = _chromium(folder, "--dump-dom", page.as_uri())
    answers: dict[str, Any] = json.loads(unescape(ANSWER.findall(told)[-1]))
    return answers


def axe(pages: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """What axe-core says of each page (axe_questions.js), in one browser.

    axe-core is the script that axe-playwright-python brings. It answers later than a page is loaded, and time
    that no script needs is skipped by the browser, so nothing is waited for.
    """
    scripts = {
        "axe.min.js": (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"),
        "pages.js": f"const PAGES = {json.dumps(pages)};",
        "ask.js": AXE_QUESTIONS.read_text(encoding="utf-8"),
    }
    for name, script in scripts.items():
        (folder / name).write_text(script, encoding="utf-8")
    page = folder / "axe.html"
    page.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><body>'
        '<script src="pages.js"></script><script src="ask.js"></script></body></html>',
        encoding="utf-8",
    )
    told = _chromium(folder, "--virtual-time-budget=600000", "--dump-dom", page.as_uri())
    answers: dict[str, Any] = json.loads(unescape(ANSWER.findall(told)[-1]))
    return answers


def printed(html: str, folder: Path) -> bytes:
    """The page as a PDF."""
    page, pdf = folder / "printed.html", folder / "page.pdf"
    page.write_text(html, encoding="utf-8")
    _chromium(folder, f"--print-to-pdf={pdf}", page.as_uri())
    return pdf.read_bytes()


def _chromium(folder: Path, *arguments: str) -> str:
    name = program()
    assert name, INSTALL
    told = subprocess.run(
        [name, *SWITCHES, f"--user-data-dir={folder / 'profile'}", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    return told.stdout
