"""The prompt pool by itself: what each strategy draws, what it learns, and that its state is all there is to it."""

import json
from collections import Counter

import pytest
from datasets import Dataset

from open_r1.arguments import RecipeError
from open_r1.training.pool import PromptPool
from open_r1.training.rounds import next_round, pass_rate, spread
from open_r1.training.settings import Curriculum
from open_r1.training.trainer import difficulties

THIRDS = [0.0] * 10 + [0.5] * 10 + [1.0] * 10  # easy, medium, hard


def pool(difficulties=THIRDS, batch=4, seed=0, shuffle=True, **curriculum) -> PromptPool:
    return PromptPool(difficulties, Curriculum(**curriculum), batch, seed, shuffle)


def levels(drawn: list[int]) -> Counter:
    return Counter(["easy", "medium", "hard"][row // 10] for row in drawn)


def test_fixed_order_goes_through_all_rows_again_and_again():
    drawn = pool(batch=3).draw(60, 0.0)
    assert sorted(drawn[:30]) == sorted(drawn[30:]) == list(range(30)) and drawn[:30] != drawn[30:]
    assert pool(batch=4, shuffle=False).draw(30, 0.0) == [*range(28), 0, 1], "like TRL, no incomplete batch"


def test_phases_go_from_easy_to_hard_with_the_run():
    phases = pool(strategy="phases")
    assert levels(phases.draw(12, 0.0)) == {"easy": 12}, "a small level is drawn again"
    assert levels(phases.draw(12, 0.34)) == {"medium": 12}
    assert levels(phases.draw(12, 0.99)) == {"hard": 12}
    early = pool(strategy="phases", share={"easy": 0.1, "medium": 0.0, "hard": 0.9})
    assert levels(early.draw(4, 0.05)) == {"easy": 4} and levels(early.draw(4, 0.1)) == {"hard": 4}


def test_a_mix_holds_in_every_batch_whatever_its_size():
    mix = pool(strategy="mix", share={"easy": 0.25, "medium": 0.25, "hard": 0.5})
    for _ in range(10):
        assert levels(mix.draw(8, 0.0)) == {"easy": 2, "medium": 2, "hard": 4}
    assert levels([row for _ in range(8) for row in mix.draw(1, 0.0)]) == {"easy": 2, "medium": 2, "hard": 4}


def test_adaptive_goes_for_a_pass_rate_of_one_half_and_starves_nothing():
    adaptive = pool(strategy="adaptive", floor=0.1)
    drawn = levels([row for _ in range(100) for row in adaptive.draw(6, 0.0)])
    # Accepted with probability 1 in the middle and 0.1 at both ends.
    assert 5 < drawn["medium"] / drawn["easy"] < 20 and 5 < drawn["medium"] / drawn["hard"] < 20
    assert min(drawn.values()) > 20
    without = pool(strategy="adaptive", prior=False)
    assert set(without.rates) == {0.5}


def test_adaptive_learns_what_training_sees():
    adaptive = pool([None] * 30, strategy="adaptive", ema=0.5)
    for _ in range(60):
        rows = adaptive.draw(6, 0.0)
        assert len(set(rows)) == 6, "no row twice in a batch"
        adaptive.learn(rows, [1.0 if row < 15 else 0.5 for row in rows])
    late = adaptive.draw(25, 0.0)
    assert sum(row >= 15 for row in late) >= 15 - 3
    before = list(adaptive.rates)
    adaptive.learn([0], [float("nan")])
    assert adaptive.rates == before
    assert adaptive.metrics()["pool/pass_rate/ungraded"] > 0.6


@pytest.mark.parametrize("strategy", ["fixed", "phases", "mix", "adaptive"])
def test_the_state_is_all_there_is(strategy):
    first, second = pool(strategy=strategy), pool(strategy=strategy)
    for step in range(20):
        rows = first.draw(5, step / 40)
        first.learn(rows, [row / 30 for row in rows])
    second.restore(json.loads(json.dumps(first.state())))
    for step in range(20, 40):
        rows = first.draw(5, step / 40)
        assert second.draw(5, step / 40) == rows
        for one in (first, second):
            one.learn(rows, [1 / 3] * 5)
    assert first.state() == second.state() and first.metrics() == second.metrics()


def test_what_does_not_fit_is_named():
    with pytest.raises(RecipeError, match="1 of 2 rows have none"):
        pool([0.5, None], strategy="mix")
    with pytest.raises(RecipeError, match="gives hard questions a share, but no row is one"):
        pool([0.0, 0.5], strategy="mix", share={"easy": 0.5, "hard": 0.5})
    with pytest.raises(RecipeError, match="has rows 30, this run 20"):
        pool(THIRDS[:20]).restore(pool().state())
    with pytest.raises(RecipeError, match="has passes over"):
        pool().restore(pool(strategy="mix").state())


def test_a_difficulty_of_another_meaning_is_refused_where_it_would_count():
    rows = Dataset.from_list([{"difficulty": "hard"}, {"difficulty": "easy"}])
    assert difficulties(rows, Curriculum()) == [None, None]
    with pytest.raises(RecipeError, match="2 rows have something else there, 'hard' for one"):
        difficulties(rows, Curriculum("mix"))
    assert difficulties(Dataset.from_list([{"difficulty": 0.5}, {"difficulty": None}]), Curriculum("mix")) == [
        0.5,
        None,
    ]
    assert difficulties(Dataset.from_list([{"prompt": "?"}]), Curriculum("mix")) == [None]


def test_rewards_that_are_missing_tell_nothing():
    nan = float("nan")
    assert (spread([0.0, nan, 2.0]), spread([nan, nan]), spread([1.0, 1.0])) == (2.0, 0.0, 0.0)
    assert pass_rate([0.0, nan, 2.0, 1.0]) == 2 / 3 and pass_rate([nan]) != pass_rate([nan])


@pytest.mark.parametrize(
    ("wanted", "generated", "informative", "num_generations", "processes", "asked"),
    [
        (8, 0, 0, 8, 1, 8),
        (8, 8, 6, 8, 1, 3),  # 2 missing at a keep rate of 3/4
        (8, 8, 0, 8, 1, 8),
        (8, 8, 1, 8, 1, 8),  # 56 would be asked for: at most a batch
        (9, 9, 8, 2, 3, 3),  # three processes share six completions, not four
        (8, 8, 7, 4, 2, 2),
    ],
)
def test_the_next_round_asks_for_what_is_missing(wanted, generated, informative, num_generations, processes, asked):
    assert next_round(wanted, generated, informative, num_generations, processes) == asked
