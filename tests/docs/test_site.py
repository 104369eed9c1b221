"""The documentation as it is read: built, every link tried, every page opened from disk in a browser without any network."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import driver, problems, requested, skip_without, waited

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "object": "data"}
"""What a browser fetches by itself, by element."""


class Page(HTMLParser):
    """A built page: what it loads, what it links to, which places in it can be linked to."""

    def __init__(self, path: Path):
        super().__init__()
        self.loads, self.links, self.places = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if given.get("id"):
            self.places.add(given["id"])
        if given.get(LOADED.get(tag)):
            self.loads.append(given[LOADED[tag]])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The built site; a page, link or anchor that is not there ends the build."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    found = {path: Page(path) for path in site.rglob("*.html")}
    assert len(found) > 10
    return found


def test_every_link_leads_somewhere(pages):
    lost = []
    for path, page in pages.items():
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or path.name == "404.html":  # the 404 page's links are those of a server's root
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                lost.append(f"{path.name}: {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                lost.append(f"{path.name}: {link}: no such place")
    assert not lost


def test_nothing_is_loaded_from_another_host(site, pages):
    there = [(path.name, link) for path, page in pages.items() for link in page.loads if urlsplit(link).netloc]
    for path in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        text = path.read_text(encoding="utf-8")
        there += [
            (path.name, link) for link in re.findall(r"(?:url\(|@import\s*|href=)[\"']?((?:https?:)?//[^\"')]+)", text)
        ]
    assert not there


@pytest.fixture
def browser(tmp_path):
    skip_without()
    one = driver(tmp_path / "chromium")
    yield one
    one.quit()


def test_every_page_reads_well_from_disk_in_a_browser(site, pages, browser):
    wrong = []
    for width, mobile in ((1280, False), (390, True)):
        size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": mobile}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for path in sorted(pages):
            if path.name == "404.html":
                continue
            browser.get(path.as_uri())
            if {urlsplit(url).scheme for url in requested(browser)} - {"file", "data", "blob"}:
                wrong.append(f"{path.name} asks another host")
            wrong += [f"{path.name}: {message}" for message in problems(browser)]
            needed, window = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
            if needed > window:
                wrong.append(f"{path.name} is {needed} pixels wide in a window of {window}")
            broken = "return [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
            wrong += [f"{path.name}: no picture {source}" for source in browser.execute_script(broken)]
    assert not wrong

    # ---- the search, which has no worker when pages come from disk
    browser.get((site / "rollouts.html").as_uri())
    browser.execute_script(
        "const field = document.querySelector('.md-search__input'); field.focus(); field.value = 'weight_sync';"
        "field.dispatchEvent(new Event('input', {bubbles: true})); field.dispatchEvent(new KeyboardEvent('keyup', {bubbles: true}))"
    )
    waited(browser, "return document.querySelector('.md-search-result__item a[href*=\"rollouts.html\"]') !== null", 20)
    browser.quit()
