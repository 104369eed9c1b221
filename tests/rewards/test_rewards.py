"""Rewards by name: upstream's scales with its bugs mended, TRL's own where it has them, the recipe's arguments."""

import sys

import pytest

from open_r1.questions import Question, row_from_question
from open_r1.rewards import (
    REWARDS,
    accuracy_reward,
    build_rewards,
    format_reward,
    length_reward,
    reasoning_steps_reward,
    xmlcount_reward_func,
)

OPTION = "Diabetes mellitus"
QUESTION = Question("1", "own", "train", "?", {"A": "Asthma", "B": OPTION, "C": "Cushing syndrome", "D": "Gout"}, "B")


def chat(*texts: str) -> list:
    return [[{"role": "assistant", "content": text}] for text in texts]


def tagged(answer: str, reasoning: str = "Thirst and weight loss.") -> str:
    return f"<think>{reasoning}</think><answer>{answer}</answer>"


def build(name: str, prefilled_think: bool = False, **arguments):
    return build_rewards([name], {name: arguments}, max_completion_length=100, prefilled_think=prefilled_think)[0]


@pytest.mark.parametrize(
    ("answer", "reward"),
    [
        ("B", 2.0),
        ("(B)", 2.0),
        ("b", 2.0),  # 0 upstream
        ("B.", 2.0),  # 0 upstream
        ("B. Diabetes mellitus", 2.0),  # 0 upstream
        (" B \n", 2.0),
        ("Diabetes mellitus", 1.0),
        ("diabetes mellitus", 1.0),
        ("C", 0.0),
        ("B or C", 0.0),
        ("", 0.0),
    ],
)
def test_accuracy_has_upstreams_scale(answer, reward):
    assert accuracy_reward(chat(tagged(answer)), reference=["B"], option=[OPTION]) == [reward]


def test_accuracy_of_a_prepared_row_knows_the_wrong_options():
    columns = {name: [value] * 2 for name, value in row_from_question(QUESTION).items()}
    # The second contradicts itself: Cushing syndrome is C.
    assert accuracy_reward(chat(tagged("B"), tagged("B. Cushing syndrome")), **columns) == [2.0, 0.0]


def test_accuracy_of_free_answers_takes_open_r1s_solution_column():
    assert accuracy_reward(chat(r"So it is \boxed{\frac{1}{2}}", "It is 3."), solution=["0.5", "4"]) == [2.0, 0.0]


def test_accuracy_takes_plain_strings_and_needs_a_reference():
    assert accuracy_reward([tagged("B")], reference=["B"], option=[OPTION]) == [2.0]
    with pytest.raises(ValueError, match="no column `reference`"):
        accuracy_reward(chat(tagged("B")), prompts=["?"])


def test_binary_scale_and_format_gate():
    columns = {"reference": ["B"] * 3, "option": [OPTION] * 3}
    completions = chat(tagged("B"), tagged(OPTION), "The answer is B.")
    assert build("accuracy", scale="binary")(completions, **columns) == [1.0, 1.0, 1.0]
    assert build("accuracy", scale="binary", require_format=True)(completions, **columns) == [1.0, 1.0, 0.0]


def test_accuracy_logs_what_it_saw():
    extra, metrics = {}, {}
    accuracy_reward(
        chat(tagged("B"), tagged("C"), "No idea."),
        log_extra=extra.__setitem__,
        log_metric=metrics.__setitem__,
        reference=["B"] * 3,
        option=[OPTION] * 3,
    )
    assert extra["extracted"] == ["B", "C", ""]
    assert metrics["answers/correct"] == pytest.approx(1 / 3) and metrics["answers/abstained"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "reward"),
    [
        (tagged("B"), 2.0),
        ("<think>\nx\n</think>\n\n<answer>\nB\n</answer>\n", 2.0),
        (tagged("B") + " And that is it.", 1.0),
        ("Sure. " + tagged("B"), 0.0),
        (tagged("B", "so <answer>C</answer> no"), 1.0),
        ("<think>x</think> B", 0.0),
        ("x</think><answer>B</answer>", 0.0),
        ("", 0.0),
    ],
)
def test_format_counts_soft_and_strict_form(text, reward):
    assert format_reward(chat(text)) == [reward]


def test_a_template_that_begins_with_think_costs_nothing():
    text = "x</think><answer>B</answer>"
    assert build("format", prefilled_think=True)(chat(text)) == [2.0]
    assert build("xmlcount_reward_func", prefilled_think=True)(chat(text)) == [1.0]
    columns = {"reference": ["B"], "option": [OPTION]}
    assert build("accuracy", prefilled_think=True, require_format=True)(chat(text), **columns) == [2.0]


def test_huatuos_own_form():
    reward = build("format", template="final_response")
    good = "## Thinking\n\nThirst.\n\n## Final Response\n\nThe answer is B."
    assert reward(chat(good, "## Thinking\n\nThirst.", tagged("B"))) == [2.0, 0.0, 0.0]


def test_tags_steps_and_length():
    assert xmlcount_reward_func(chat(tagged("B"), "<think><answer>B</answer>", "B")) == [1.0, 0.75, 0.0]
    assert reasoning_steps_reward(chat("1. Thirst\n2. Weight loss\n3. So B", "First, thirst.", "B")) == [
        1.0,
        pytest.approx(1 / 3),
        0.0,
    ]
    # Upstream measured the list of messages, and so gave 0 always.
    assert length_reward(chat("x" * 201, "x" * 200)) == [1.0, 0.0]


def test_cosine_prefers_short_right_and_long_wrong_answers():
    reward = build("cosine")
    ids = [[0] * length for length in (1, 50, 100, 400)]
    columns = {"reference": ["B"] * 4, "option": [OPTION] * 4}
    right = reward(chat(*[tagged("B")] * 4), completion_ids=ids, **columns)
    wrong = reward(chat(*[tagged("C")] * 4), completion_ids=ids, **columns)
    assert (
        right == sorted(right, reverse=True)
        and right[2] == right[3] == pytest.approx(0.5)
        and right[1] == pytest.approx(0.75)
    )
    assert wrong == sorted(wrong) and wrong[2] == wrong[3] == pytest.approx(-0.5) and wrong[1] == pytest.approx(-0.75)


def test_trls_own_rewards_take_the_runs_limit():
    assert build("overlong")(completion_ids=[[0] * 80, [0] * 90, [0] * 101]) == [0.0, -0.5, -1.0]
    assert build("repetition_penalty", ngram_size=1)(completion_ids=[[1, 2], [1, 1]]) == [0.0, -0.5]


def test_every_named_reward_builds_from_names_alone():
    assert len(build_rewards(list(REWARDS), {}, max_completion_length=100)) == len(REWARDS)


def test_a_users_function_by_dotted_path(tmp_path, monkeypatch):
    (tmp_path / "my_rewards.py").write_text(
        "def brevity(completions, **kwargs):\n    return [7.0] * len(completions)\n"
        "def by_case(completions, case, **kwargs):\n    return [float(number) for number in case]\n"
        "def alone(completions):\n    return [0.0] * len(completions)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert build_rewards(["my_rewards.brevity"], {}, max_completion_length=1)[0]([""]) == [7.0]
    # A column of the data by its name is what users write; what TRL passes beside it must have a place too.
    assert build_rewards(["my_rewards.by_case"], {}, max_completion_length=1)[0]([""], case=[3]) == [3.0]
    with pytest.raises(ValueError, match=r"my_rewards\.alone.*unexpected keyword argument"):
        build_rewards(["my_rewards.alone"], {}, max_completion_length=1)
    with pytest.raises(ValueError, match=r"my_rewards\.length.*cannot be imported"):
        build_rewards(["my_rewards.length"], {}, max_completion_length=1)
