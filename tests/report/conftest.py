"""A real headless Chromium; benchmarks/report_page.py uses it too."""

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


FILL = """
document.getElementById('matches').dataset.done = 'no';
for (const [id, value] of Object.entries(arguments[0])) {
  const field = document.getElementById(id);
  field.value = value;
  field.dispatchEvent(new Event('input', {bubbles: true}));
}
"""


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


def filled(browser, values: dict) -> None:
    """Fill in filters by their ids as a user would, and wait for what they find."""
    browser.execute_script(FILL, {name: str(value) for name, value in values.items()})
    waited(browser, "return document.getElementById('matches').dataset.done === 'yes'")


class Page:
    """A report opened in a browser window of its own."""

    def __init__(self, browser, path: Path):
        self.driver, self.css = browser, "css selector"
        browser.get(path.resolve().as_uri())
        waited(browser, "return document.body.dataset.ready === 'yes'")

    def wait(self, condition, seconds: float = 60.0):
        """Wait until `condition()` holds; returns its value."""
        end = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < end, "the page did not come to this state in time"
            time.sleep(0.05)
        return value

    def all(self, selector: str) -> list:
        return self.driver.find_elements(self.css, selector)

    def one(self, selector: str):
        return self.driver.find_element(self.css, selector)

    def set(self, **values) -> str:
        """Fill in filters (`_` for `-`); returns what the page says it found."""
        filled(self.driver, {name.replace("_", "-"): value for name, value in values.items()})
        return self.matches()

    def matches(self) -> str:
        return self.one("#matches").text

    def open_group(self, number: int = 0):
        """Open a group of the list; returns its element with the completions in it."""
        head = self.all(".group > button")[number]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", head)
        head.click()
        group = self.all(".group")[number]
        self.wait(lambda: group.find_elements(self.css, ".row"))
        return group

    def problems(self) -> list[str]:
        """What the console says since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requested(self) -> list[str]:
        """The addresses that the page asked for since the last call, itself among them."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        # The browser's own start page asks too, under its own address.
        return [params["request"]["url"] for params in sent if params["documentURL"] == self.driver.current_url]


@pytest.fixture
def open_page(tmp_path):
    """Opens a report in a fresh Chromium of the given size."""
    if not any(map(shutil.which, CHROMIUM)) or shutil.which("chromedriver") is None:
        pytest.skip("no Chromium with its driver: install the packages chromium and chromium-driver")
    drivers = []

    def open_it(path: Path, width: int = 1280, height: int = 900) -> Page:
        drivers.append(driver(tmp_path / f"chromium{len(drivers)}", width, height))
        return Page(drivers[-1], path)

    yield open_it
    for browser in drivers:
        browser.quit()
