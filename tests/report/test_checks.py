"""Every warning fires in a run with the behaviour planted, and not in a run without it."""

import pytest
from report.planted import careful, plant, questions

from open_r1.report.checks import CHECKS, check
from open_r1.report.run import read_run

REASONING = "the first finding fits two of the conditions and the second one rules out the others"


def findings(folder) -> dict:
    return {finding.title: finding for finding in check(read_run(folder))}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """A run that learns without any of the nine behaviours, in the shape of a run with a server."""
    folder = tmp_path_factory.mktemp("runs") / "healthy"
    return plant(folder, careful, metrics=lambda progress: {"sampling/sampling_logp_difference/mean": 2e-7})


def test_a_healthy_run_has_no_warning(healthy):
    found = findings(healthy)
    assert list(found) != [] and set(found) == set(CHECKS)
    assert {title: finding.state for title, finding in found.items()} == dict.fromkeys(found, "quiet")


# ---- one policy for each behaviour


def earns_by_form(progress, question, chance):
    letter = chance.choice("ABCD")  # never better than chance
    whole = chance.random() < 0.2 + 0.6 * progress
    return f"<think>{REASONING}</think><answer>{letter}" + ("</answer>" if whole else "")


def copies_the_example(progress, question, chance):
    letter = "C" if chance.random() < 0.8 else question.answer
    return f"<think>{REASONING}</think><answer>{letter}</answer>"


def answers_while_thinking(progress, question, chance):
    if chance.random() < 0.4:
        return f"<think>{REASONING}, so the answer is {question.answer}.</think>"
    return careful(progress, question, chance)


def stops_reasoning(progress, question, chance):
    text = careful(progress, question, chance)
    return "<think></think>" + text.partition("</think>")[2] if chance.random() < progress * 0.6 else text


def prefers_a(progress, question, chance):
    letter = "A" if chance.random() < 0.5 else question.answer
    return f"<think>{REASONING}</think><answer>{letter}</answer>"


def collapses(progress, question, chance):
    words = REASONING.split() * 4
    return f"<think>{' '.join(words[: round(60 - 45 * progress)])}</think><answer>{question.answer}</answer>"


def runs_away(progress, question, chance):
    words = " ".join(REASONING.split() * (2 + round(6 * progress)))
    if chance.random() < 0.7 * progress:
        return f"<think>{words} and again {words}"
    return f"<think>{words}</think><answer>{question.answer}</answer>"


def perfect_form(progress, question, chance):
    letter = question.answer if chance.random() < 0.5 + 0.4 * progress else "B"
    return f"<think>{REASONING}</think><answer>{letter}</answer>"


def disagreement(progress):
    return {"sampling/sampling_logp_difference/mean": 1e-3 + 0.3 * progress**2}


EXAMPLE = "Reason, then answer like this: <answer> C </answer>"
PLANTED = {
    "Reward up, accuracy flat": (earns_by_form, {}, "stayed flat"),
    "Answer repeated from the prompt": (copies_the_example, {"system": EXAMPLE}, "repeat the letter"),
    "Answer inside <think> only": (answers_while_thinking, {}, "give none afterwards"),
    "Empty reasoning": (stops_reasoning, {}, "without reasoning"),
    "One letter preferred": (prefers_a, {}, "Letter A is given"),
    "Length collapse or run-away": (collapses, {}, "collapsed from"),
    "Format reward saturated": (perfect_form, {}, "format_reward is saturated"),
    "Server and trainer disagree": (careful, {"metrics": disagreement}, "differ by"),
    "Evaluation set in the training data": (careful, {"tests": questions("train")[:7]}, "7 questions"),
}


@pytest.mark.parametrize("title", CHECKS)
def test_a_planted_behaviour_is_warned_of_with_evidence(tmp_path, title):
    policy, settings, words = PLANTED[title]
    finding = findings(plant(tmp_path / "run", policy, **settings))[title]
    assert finding.state == "warning" and words in finding.words
    assert finding.evidence and all(what and value for what, value in finding.evidence)


def test_a_run_away_is_told_from_growth(tmp_path):
    away = plant(tmp_path / "away", runs_away, truncated=lambda text: "</think>" not in text)
    assert "ran away" in findings(away)["Length collapse or run-away"].words


def test_prompts_that_give_the_answer_away(tmp_path):
    folder = plant(tmp_path / "run", careful, user=lambda q: f"{q.stem} (Answer: {q.answer})")
    assert "give the answer away" in findings(folder)["Answer repeated from the prompt"].words


def test_an_example_in_the_prompt_that_nobody_follows_is_no_warning(tmp_path):
    folder = plant(tmp_path / "run", careful, system=EXAMPLE)
    assert findings(folder)["Answer repeated from the prompt"].state == "quiet"


def test_a_short_run_says_what_it_lacks(tmp_path):
    found = findings(plant(tmp_path / "run", careful, steps=2, prompts=2))
    assert found["Reward up, accuracy flat"].state == "unknown"
    assert "at least 9 logged steps" in found["Reward up, accuracy flat"].words
    assert found["Server and trainer disagree"].state == "unknown"
