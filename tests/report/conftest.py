"""A report opened in a real browser; benchmarks/report_page.py uses it too."""

import time
from pathlib import Path

import pytest
from browser import driver, problems, requested, skip_without, waited

FILL = """
document.getElementById('matches').dataset.done = 'no';
for (const [id, value] of Object.entries(arguments[0])) {
  const field = document.getElementById(id);
  field.value = value;
  field.dispatchEvent(new Event('input', {bubbles: true}));
}
"""


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
        return problems(self.driver)

    def requested(self) -> list[str]:
        """The addresses that the page asked for since the last call, itself among them."""
        return requested(self.driver)


@pytest.fixture
def open_page(tmp_path):
    """Opens a report in a fresh Chromium of the given size."""
    skip_without()
    drivers = []

    def open_it(path: Path, width: int = 1280, height: int = 900) -> Page:
        drivers.append(driver(tmp_path / f"chromium{len(drivers)}", width, height))
        return Page(drivers[-1], path)

    yield open_it
    for browser in drivers:
        browser.quit()
