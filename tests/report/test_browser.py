"""The page in a real browser: filters, search, groups, comparison, and model output that means harm."""

import random

import pytest
from report.planted import careful, plant, questions

from open_r1.completions import read_completions
from open_r1.report import write_report
from open_r1.report.lexicon import passages
from open_r1.report.run import read_run

pytestmark = pytest.mark.slow

CHECKING = "Wait, let me re-check. The findings fit, but let me double-check the options."


def checking(progress, question, chance):
    text = careful(progress, question, chance)
    return text.replace("<think>", f"<think>{CHECKING} ") if chance.random() < progress else text


def fine(page):
    """The page has asked nobody for anything, nothing went wrong, and it is no wider than its window."""
    assert page.problems() == []
    assert {url.partition(":")[0] for url in page.requested()} <= {"file", "data", "blob"}
    width, window = page.driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= window


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("runs") / "checking", checking)


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_filters_search_and_groups(run, tmp_path, open_page, width, height):
    rollouts = read_run(run).rollouts
    page = open_page(write_report([run], tmp_path / "report"), width, height)
    rows, groups = len(rollouts), 18 * 8
    assert page.matches() == f"{rows} completions in {groups} groups"

    # ---- filters
    right = rollouts["correct"].astype(bool)
    assert page.set(verdict=1).startswith(f"{right.sum()} completions")
    late = right & rollouts["step"].between(10, 12)
    assert page.set(step_from=10, step_to=12).startswith(f"{late.sum()} completions")
    top = late & (rollouts["reward"] >= 2)
    assert page.set(reward_from=2).startswith(f"{top.sum()} completions")
    page.one("#filters button[type=reset]").click()
    page.wait(lambda: page.one("#matches").text == f"{rows} completions in {groups} groups")
    hard = rollouts["difficulty"] > 0.5
    assert page.set(difficulty_from=0.5).startswith(f"{hard.sum()} completions")
    both = hard & (rollouts["checks"] > 0)
    assert page.set(checks=1).startswith(f"{both.sum()} completions")
    assert page.set(difficulty_from="", checks="", letter="B").startswith(
        f"{(rollouts['extracted'] == 'B').sum()} completions"
    )
    page.set(letter="")

    # ---- search
    checked = (rollouts["checks"] > 0).sum()
    assert page.set(search="let me RE-CHECK").startswith(f"{checked} completions")
    assert page.set(search="not in any completion") == "0 completions in 0 groups"
    page.set(search="")

    # ---- a group, with what was counted marked
    page.set(order="checking")
    group = page.open_group()
    cards = group.find_elements(page.css, ".row")
    assert len(cards) == 4
    texts = [card.find_element(page.css, ".text").get_property("textContent") for card in cards]
    marked = [mark.text for mark in group.find_elements(page.css, ".row mark.check")]
    assert len(marked) == sum(len(passages(text)) for text in texts) > 0 and "Wait," in marked
    assert "answer " in cards[0].text and "found by letter" in cards[0].text and "accuracy_reward" in cards[0].text

    # ---- orders
    page.set(order="worst")
    worst = rollouts.groupby(["step", "group"])["reward"].mean().min()
    assert f"mean reward {worst:.4g}" in page.one(".group > button").text
    page.set(order="divided")
    spread = rollouts.groupby(["step", "group"])["reward"].std(ddof=0).max()
    assert f"spread {spread:.4g}" in page.one(".group > button").text

    # ---- charts
    page.driver.execute_script("document.getElementById('learning').scrollIntoView()")
    page.wait(lambda: page.all("#learning .chart .trace path"))
    fine(page)


def test_two_runs_compared(run, tmp_path, open_page):
    other = plant(tmp_path / "plain", careful, description={"learning_rate": 5e-6})
    page = open_page(write_report([run, other], tmp_path / "report"))
    total = len(read_run(run).rollouts)
    assert page.matches().startswith(f"{2 * total:,} completions")
    assert page.set(run_filter=1).startswith(f"{total} completions")
    assert page.set(checks=1).startswith("0 completions")
    differing = page.one("#run table").text
    assert "learning_rate" in differing and "5e-06" in differing and "model_name_or_path" not in differing
    page.driver.execute_script("document.getElementById('learning').scrollIntoView()")
    legend = page.wait(lambda: [item.text for item in page.all("[data-chart=reward] .legendtext")])
    assert legend == ["checking: reward", "plain: reward"]
    fine(page)


HOSTILE = {
    "script": "<script>document.body.dataset.hacked = 'yes'</script>",
    "closing": "</script></textarea></style><script>document.body.dataset.hacked = 'yes'</script>",
    "image": "<img src=x onerror=\"document.body.dataset.hacked='yes'\">",
    "request": "<img src='http://example.com/leak.png'><iframe src='http://example.com'></iframe>",
    "comment": "<!-- <script> {{ 7 * 7 }} {% raw %} ${1+1} `",
    "half a pair": "before \ud800 after",
    "not characters": "a\ufffe\uffffb\U0010ffff",
    "controls": "bell\x07 null\x00 escape\x1b[31mred\x1b[0m back\x08 delete\x7f",
    "direction": "safe \u202egnirts desrever\u202c \u2066isolated\u2069",
    "combining": "Z" + "\u0301" * 500,
    "long line": "x" * 100_000,
    "link": "javascript:alert(1) [click](javascript:alert(1))",
}


def test_hostile_output_is_shown_as_text(tmp_path, open_page):
    texts = list(HOSTILE.values())

    chance = random.Random(1)
    run = plant(
        tmp_path / "<b>run & <img src=x onerror=alert(1)>",
        lambda *_: chance.choice(texts),
        steps=12,
        user=lambda question: f"<h1>{question.stem}</h1><script>document.body.dataset.hacked='yes'</script>\x1b[0m",
        system=HOSTILE["closing"],
    )
    page = open_page(write_report([run], tmp_path / "report"))
    assert page.one("h1").text == "<b>run & <img src=x onerror=alert(1)>"
    total = len(read_run(run).rollouts)
    for name, needle in {"script": "<SCRIPT>document", "controls": "\x07 null", "direction": "\u202egnirts"}.items():
        holds = [needle.lower() in text.lower() for text in read_table(run)]
        assert page.set(search=needle).startswith(f"{sum(holds)} completions") and sum(holds) > 0, name
    # Every group, opened: each text is there as text.
    seen = ""
    page.set(search="")
    assert page.matches().startswith(f"{total} completions")
    for number in range(20):
        group = page.open_group(number)
        for button in group.find_elements(page.css, "button.all"):
            assert "Show all 100,000 characters" in button.text
            page.driver.execute_script("arguments[0].click()", button)
        seen += group.get_property("textContent")
    for name in ("script", "closing", "image", "request", "comment", "link", "long line"):
        assert HOSTILE[name] in seen, name
    assert "before \ufffd after" in seen
    assert "bell\u2407 null\u2400 escape\u241b[31mred" in seen and "delete\u2421" in seen
    assert "safe [U+202E]gnirts desrever[U+202C]" in seen
    assert page.driver.execute_script("return document.body.dataset.hacked") is None
    assert (
        page.driver.execute_script(
            "return document.querySelectorAll('#groups script, #groups img, #groups iframe, #groups h1').length"
        )
        == 0
    )
    fine(page)


def read_table(run) -> list[str]:
    """The completions of a run as they lie on disk."""
    return read_completions(run, "train", ["completion"])["completion"].to_pylist()


def test_a_warning_leads_to_its_completions(tmp_path, open_page):
    def prefers_a(progress, question, chance):
        letter = "A" if chance.random() < 0.6 else question.answer
        return f"<think>one or two of the findings fit</think><answer>{letter}</answer>"

    page = open_page(write_report([plant(tmp_path / "run", prefers_a, asked=questions("train"))], tmp_path / "report"))
    rows = read_run(tmp_path / "run").rollouts
    expected = ((rows["extracted"] == "A") & (rows["step"] >= 13)).sum()
    button = page.one(".finding.warning .show")
    page.driver.execute_script("arguments[0].click()", button)
    page.wait(lambda: page.one("#matches").text.startswith(f"{expected} completions"))
    assert page.one("#letter").get_property("value") == "A"
    fine(page)
