"""Is the run to be trusted? Nine questions to a run folder, each answered in words with its evidence.

Early is the first third of the logged steps, late the last third. Differences come with 95% intervals: over steps for
metrics, over groups (prompts) for completions. A warning needs the interval, not only the mean, beyond its threshold.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from open_r1.answers import Found, extract
from open_r1.evaluation.statistics import Z, clustered_error, estimate
from open_r1.report.run import Run, reward_names
from open_r1.report.texts import LETTERS, reasoning, stated_answer

FEWEST_STEPS = 9
FEWEST_ROWS = 30


@dataclass(frozen=True)
class Finding:
    """One check's outcome: `state` is warning, quiet, or unknown where the run does not hold what the check needs.

    `evidence` are rows of (what, value); `show` filters the page's completions to those meant.
    """

    state: str
    words: str
    evidence: list[tuple[str, str]] = field(default_factory=list)
    show: dict = field(default_factory=dict)
    title: str = ""


def quiet(words: str, evidence=()) -> Finding:
    return Finding("quiet", words, list(evidence))


def unknown(words: str) -> Finding:
    return Finding("unknown", words)


@dataclass(frozen=True)
class Change:
    """Early and late mean of a metric, and their difference with its interval over steps."""

    early: float
    late: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        return self.late - self.early

    def __str__(self) -> str:
        return f"{self.early:.3g} → {self.late:.3g} (change {self.difference:+.3g}, 95% [{self.low:+.3g}, {self.high:+.3g}])"


def change(run: Run, metric: str) -> Change | None:
    """How a logged metric changed over a run; None when it was logged in fewer than FEWEST_STEPS steps."""
    if metric not in run.steps or run.steps[metric].count() < FEWEST_STEPS:
        return None
    values = run.steps[metric].dropna().to_numpy(float)
    third = len(values) // 3
    early, late = values[:third], values[-third:]
    half = Z * np.sqrt(early.var(ddof=1) / third + late.var(ddof=1) / third)
    difference = late.mean() - early.mean()
    return Change(float(early.mean()), float(late.mean()), float(difference - half), float(difference + half))


def late_rows(run: Run) -> pd.DataFrame:
    """The completions of the last third of the steps, with a name for each one's group."""
    rows = run.rollouts
    steps = np.sort(rows["step"].unique())
    rows = rows[rows["step"] >= (steps[-(len(steps) // 3) :][0] if len(steps) >= 3 else -np.inf)]
    return rows.assign(cluster=rows["step"].astype(str) + "/" + rows["group"].astype(str))


def percent(value: float) -> str:
    """A share in words."""
    return f"{100 * value:.1f}%"


def share(values, clusters) -> tuple[float, float, float]:
    """A share with its interval, rows of one group being one cluster."""
    found = estimate([float(value) for value in values], list(clusters))
    return found.value, found.low, found.high


# ---- the checks


def reward_without_accuracy(run: Run) -> Finding:
    reward, accuracy = change(run, "reward"), change(run, "answers/correct")
    if reward is None or accuracy is None:
        return unknown(f"needs `reward` and `answers/correct` in at least {FEWEST_STEPS} logged steps")
    evidence = [("reward, early → late", str(reward)), ("share of right answers", str(accuracy))]
    parts = {name: change(run, f"rewards/{name}/mean") for name in reward_names(run.rollouts)}
    evidence += [(f"reward {name}", str(part)) for name, part in parts.items() if part]
    if reward.low > 0 and accuracy.difference < FLAT and accuracy.low <= 0:
        return Finding(
            "warning",
            f"The reward rose by {reward.difference:.3g} while the share of right answers stayed flat "
            f"({percent(accuracy.early)} → {percent(accuracy.late)}). What it earns is something other than being right: "
            "look which part of the reward rose, and read late completions that earn much and are wrong.",
            evidence,
            {"verdict": "wrong", "order": "best"},
        )
    return quiet("Reward and right answers do not come apart.", evidence)


FLAT = 0.03


def repeated_from_prompt(run: Run) -> Finding:
    rows = [row | {"stated": stated_answer(row["prompt"])} for row in run.late_texts]
    rows = [row for row in rows if row["reference"] and row["reference"] in LETTERS]
    if len(rows) < FEWEST_ROWS:
        return unknown(f"needs {FEWEST_ROWS} late completions of questions with lettered options")
    stated = [row for row in rows if row["stated"]]
    if len(stated) < FEWEST_ROWS:
        return quiet("The prompts state no answer that could be repeated.")
    clusters = [row["cluster"] for row in stated]
    repeats, low, high = share([row["extracted"] == row["stated"] for row in stated], clusters)
    right, right_low, _ = share([row["reference"] == row["stated"] for row in stated], clusters)
    gaps = [float(row["extracted"] == row["stated"]) - float(row["reference"] == row["stated"]) for row in stated]
    error = clustered_error(gaps, clusters)
    letters = sorted({row["stated"] for row in stated})
    evidence = [
        ("completions under prompts that state an answer", f"{len(stated):,} of {len(rows):,} read"),
        ("the stated letters", ", ".join(letters)),
        ("answers that repeat it", f"{percent(repeats)} [{percent(low)}, {percent(high)}]"),
        ("questions whose right answer it is", percent(right)),
    ]
    if len(letters) > 1 and right_low > LEAK:
        return Finding(
            "warning",
            f"The prompts give the answer away: the answer that they state is the right one for {percent(right)} of "
            "questions. Accuracy on them says nothing.",
            evidence,
        )
    if np.mean(gaps) - Z * error > REPEATS:
        return Finding(
            "warning",
            f"{percent(repeats)} of answers repeat the letter that the prompt itself gives as an example, and it is right "
            f"for only {percent(right)} of questions. Change the example (or take it out) and see whether answers follow.",
            evidence,
            {"search": f">{letters[0]}<" if len(letters) == 1 else ""},
        )
    return quiet("Answers do not follow the answer that the prompt gives as an example.", evidence)


REPEATS, LEAK = 0.10, 0.80


def answer_in_thinking_only(run: Run) -> Finding:
    rows = run.late_texts
    if len(rows) < FEWEST_ROWS:
        return unknown(f"needs {FEWEST_ROWS} late completions")
    nothing = (Found.EMPTY, Found.NOTHING)
    options = dict.fromkeys(LETTERS, "")
    only = [
        row["how"] in nothing
        and not row["truncated"]
        and bool(thought := reasoning(row["completion"]))
        and extract(f"<answer>{thought}</answer>", options)[0] is not None
        for row in rows
    ]
    value, low, high = share(only, [row["cluster"] for row in rows])
    evidence = [
        ("completions read", f"{len(rows):,} of the last third"),
        ("with an answer inside <think> and none outside", f"{percent(value)} [{percent(low)}, {percent(high)}]"),
    ]
    if low > THINKING_ONLY:
        return Finding(
            "warning",
            f"{percent(value)} of late completions name an answer inside <think> and give none afterwards. The judge "
            "counts them as no answer: the model may know more than its accuracy says, or stops too early.",
            evidence,
            {"how": "empty"},
        )
    return quiet("Answers are given outside of the thinking.", evidence)


THINKING_ONLY = 0.05


def empty_reasoning(run: Run) -> Finding:
    rows = [row for row in run.late_texts if not row["truncated"]]
    if len(rows) < FEWEST_ROWS:
        return unknown(f"needs {FEWEST_ROWS} late completions that came to their end")
    words = [len(reasoning(row["completion"]).split()) for row in rows]
    value, low, high = share([count < FEWEST_WORDS for count in words], [row["cluster"] for row in rows])
    evidence = [
        ("completions read", f"{len(rows):,} of the last third"),
        (f"with fewer than {FEWEST_WORDS} words of reasoning", f"{percent(value)} [{percent(low)}, {percent(high)}]"),
        ("median words of reasoning", f"{np.median(words):.0f}"),
    ]
    if low > EMPTY:
        return Finding(
            "warning",
            f"{percent(value)} of late completions answer without reasoning (fewer than {FEWEST_WORDS} words before the "
            "answer). Rewards that look at the answer and at tags alone pay for that too.",
            evidence,
            {"order": "shortest"},
        )
    return quiet("Completions reason before they answer.", evidence)


FEWEST_WORDS, EMPTY = 5, 0.10


def preferred_letter(run: Run) -> Finding:
    rows = late_rows(run) if len(run.rollouts) else run.rollouts
    if "reference" not in rows or len(rows) == 0:
        return unknown("needs completions with their right answers")
    rows = rows[rows["reference"].isin(list(LETTERS)) & rows["extracted"].isin(list(LETTERS))]
    if len(rows) < FEWEST_ROWS or rows["cluster"].nunique() < 8:
        return unknown(f"needs {FEWEST_ROWS} late answers by letter, to at least 8 prompts")
    evidence, worst = [], None
    for letter in sorted(set(rows["reference"]) | set(rows["extracted"])):
        chosen, right = rows["extracted"] == letter, rows["reference"] == letter
        gaps = chosen.astype(float) - right.astype(float)
        low = gaps.mean() - Z * clustered_error(gaps.tolist(), rows["cluster"].tolist())
        evidence.append((f"letter {letter}", f"given {percent(chosen.mean())}, right {percent(right.mean())}"))
        if low > PREFERRED and (worst is None or low > worst[1]):
            worst = letter, low, chosen.mean(), right.mean()
    if worst:
        letter, _, chosen, right = worst
        return Finding(
            "warning",
            f"Letter {letter} is given in {percent(chosen)} of late answers and right in {percent(right)} of the same "
            "questions. Shuffle the options and see whether the preference stays with the letter.",
            evidence,
            {"extracted": letter},
        )
    return quiet("Letters are given about as often as they are right.", evidence)


PREFERRED = 0.10


def length_out_of_hand(run: Run) -> Finding:
    length, cut = change(run, "completions/mean_length"), change(run, "completions/clipped_ratio")
    if length is None or cut is None:
        return unknown(f"needs completion lengths in at least {FEWEST_STEPS} logged steps")
    evidence = [("mean length in tokens", str(length)), ("truncated", str(cut))]
    if length.late <= COLLAPSE * length.early and length.high < 0:
        return Finding(
            "warning",
            f"Completions collapsed from {length.early:.0f} to {length.late:.0f} tokens. Short answers can be a reward's "
            "doing (length penalties, formats), or a policy that stopped reasoning.",
            evidence,
            {"order": "shortest"},
        )
    if length.late >= RUN_AWAY * length.early and cut.late >= CUT and cut.low > 0:
        return Finding(
            "warning",
            f"Completions ran away: from {length.early:.0f} to {length.late:.0f} tokens, and {percent(cut.late)} of late ones "
            f"are cut off at the limit (early: {percent(cut.early)}). Cut-off answers count as wrong; look for loops.",
            evidence,
            {"order": "longest"},
        )
    return quiet("Completion length neither collapsed nor ran away.", evidence)


COLLAPSE, RUN_AWAY, CUT = 0.5, 1.3, 0.2


def saturated_rewards(run: Run) -> Finding:
    rows = late_rows(run) if len(run.rollouts) else run.rollouts
    names = [name for name in reward_names(rows) if not re.search("accuracy|cosine", name)]
    if not names or len(rows) < FEWEST_ROWS:
        return unknown("needs late completions and a reward other than for the right answer")
    evidence, full = [], []
    for name in names:
        column = rows[f"rewards/{name}"]
        spread = column.groupby(rows["cluster"]).agg(lambda values: values.max() - values.min())
        even, top = float((spread <= 1e-9).mean()), run.rollouts[f"rewards/{name}"].max()
        evidence.append(
            (
                name,
                f"late mean {column.mean():.3g} of at most {top:.3g} seen; the same within {percent(even)} of groups",
            )
        )
        if even >= EVEN and top > 0 and column.mean() >= EVEN * top:
            full.append(name)
    if full:
        return Finding(
            "warning",
            f"{' and '.join(full)} {'is' if len(full) == 1 else 'are'} saturated: nearly every late completion earns all of "
            "it, so it tells completions of a group no longer apart. It keeps the form, but teaches nothing more.",
            evidence,
        )
    return quiet("Rewards for form still tell completions apart.", evidence)


EVEN = 0.98


def server_disagrees(run: Run) -> Finding:
    metric = "sampling/sampling_logp_difference/mean"
    if metric not in run.steps:
        return unknown("needs a run with vLLM and importance-sampling correction: nothing else compares the two")
    values = run.steps[metric].dropna()
    third = max(1, len(values) // 3)
    early, late, worst = values.iloc[:third].mean(), values.iloc[-third:].mean(), values.max()
    evidence = [
        ("mean |log-prob difference|, early → late", f"{early:.3g} → {late:.3g}"),
        ("largest of a step", f"{worst:.3g} at step {values.idxmax()}"),
    ]
    ratio = "sampling/importance_sampling_ratio/mean"
    if ratio in run.steps:
        evidence.append(("mean importance ratio", f"{run.steps[ratio].mean():.3f}"))
    if late > DISAGREE or (late > DRIFT * early and late > DISAGREE / 5):
        return Finding(
            "warning",
            f"Trainer and server disagree: their log-probs differ by {late:.3g} a token on average in the last third "
            f"({early:.3g} in the first). The server may lack the trainer's weights or compute in another precision; "
            "what is learned is then off-policy. See vllm_server.log and docs/rollouts.md.",
            evidence,
        )
    return quiet("Trainer and server compute the same log-probs.", evidence)


DISAGREE, DRIFT = 0.05, 3.0


def evaluation_in_training(run: Run) -> Finding:
    questions = run.questions
    train = questions[questions["use"] == "train"]
    tests = {"the data's test split": questions[questions["use"] == "test"]} | run.evaluated_questions
    tests = {name: rows for name, rows in tests.items() if len(rows)}
    if not len(train) or not tests:
        return unknown("needs questions.parquet, and a test split or evaluation logs in the run folder")
    identities = set(zip(train["source"], train["id"], strict=True)) if train["id"].notna().any() else set()
    marks = {name: set(train[name]) for name in ("with_options", "with_answer")}
    evidence, hits = [], 0
    for name, rows in tests.items():
        same = rows["with_options"].isin(marks["with_options"]) | rows["with_answer"].isin(marks["with_answer"])
        pairs = pd.Series(list(zip(rows["source"], rows["id"], strict=True)), index=rows.index)
        same |= pairs.isin(identities) & rows["id"].notna()
        hits += int(same.sum())
        evidence.append((name, f"{int(same.sum()):,} of {len(rows):,} questions are trained on"))
        evidence += [("for example", str(identity)) for identity in rows.loc[same, "id"].dropna().head(3)]
    if hits:
        return Finding(
            "warning",
            f"{hits:,} questions of an evaluation are among the training rows. A score on them is not a test score: "
            "`make evaluate ... EVALUATE_ARGS='--exclude_trained MANIFEST'` leaves them out.",
            evidence,
        )
    return quiet("No question of an evaluation is among the training rows.", evidence)


CHECKS: dict[str, Callable[[Run], Finding]] = {
    "Reward up, accuracy flat": reward_without_accuracy,
    "Answer repeated from the prompt": repeated_from_prompt,
    "Answer inside <think> only": answer_in_thinking_only,
    "Empty reasoning": empty_reasoning,
    "One letter preferred": preferred_letter,
    "Length collapse or run-away": length_out_of_hand,
    "Format reward saturated": saturated_rewards,
    "Server and trainer disagree": server_disagrees,
    "Evaluation set in the training data": evaluation_in_training,
}


def check(run: Run) -> list[Finding]:
    """All checks of a run, warnings first."""
    found = []
    for title, function in CHECKS.items():
        finding = function(run)
        found.append(Finding(finding.state, finding.words, finding.evidence, finding.show, title))
    return sorted(found, key=lambda finding: ("warning", "unknown", "quiet").index(finding.state))
