"""A real headless Chromium; the benchmark of the report's page uses it too."""

import json
import shutil
import time
from pathlib import Path

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def driver(profile: Path, width: int = 1280, height: int = 900):
    """A fresh browser with a new profile that keeps its console and its requests."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, CHROMIUM)))
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def waited(browser, script: str, seconds: float = 60.0) -> None:
    """Wait until a script returns true in the page."""
    end = time.monotonic() + seconds
    while not browser.execute_script(script):
        assert time.monotonic() < end, f"the page did not come to this state in time: {script}"
        time.sleep(0.02)


def skip_without() -> None:
    """Skip a test where there is no browser with its driver."""
    if not any(map(shutil.which, CHROMIUM)) or shutil.which("chromedriver") is None:
        pytest.skip("no Chromium with its driver: install the packages chromium and chromium-driver")


def problems(browser) -> list[str]:
    """What the console says since the last call."""
    return [entry["message"] for entry in browser.get_log("browser")]


def requested(browser) -> list[str]:
    """The addresses that the page asked for since the last call, itself among them."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    # The browser's own start page asks too, under its own address.
    return [params["request"]["url"] for params in sent if params["documentURL"] == browser.current_url]
