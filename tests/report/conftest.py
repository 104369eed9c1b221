"""A real headless Chromium."""

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


class Page:
    """A report opened in a browser window of its own."""

    def __init__(self, driver, path: Path):
        from selenium.webdriver.common.by import By

        self.driver, self.css = driver, By.CSS_SELECTOR
        driver.get(path.resolve().as_uri())
        self.wait(lambda: driver.execute_script("return document.body.dataset.ready") == "yes")

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
        """Fill in filters by their ids (`_` for `-`) as a user would, wait, and return what the page says it found."""
        before = self.driver.execute_script("document.getElementById('matches').dataset.done = 'no'")
        assert before is None
        for name, value in values.items():
            self.driver.execute_script(
                "const field = document.getElementById(arguments[0]); field.value = arguments[1];"
                "field.dispatchEvent(new Event('input', {bubbles: true}))",
                name.replace("_", "-"),
                str(value),
            )
        return self.matches()

    def matches(self) -> str:
        self.wait(lambda: self.one("#matches").get_attribute("data-done") == "yes")
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
    binary = next(filter(None, map(shutil.which, CHROMIUM)), None)
    driver_path = shutil.which("chromedriver")
    if binary is None or driver_path is None:
        pytest.skip("no Chromium with its driver: install the packages chromium and chromium-driver")
    from selenium import webdriver

    drivers = []

    def open_it(path: Path, width: int = 1280, height: int = 900) -> Page:
        options = webdriver.ChromeOptions()
        options.binary_location = binary
        for flag in (
            *FLAGS,
            f"--user-data-dir={tmp_path / f'chromium{len(drivers)}'}",
            f"--window-size={width},{height}",
        ):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        drivers.append(webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_path)))
        return Page(drivers[-1], path)

    yield open_it
    for driver in drivers:
        driver.quit()
