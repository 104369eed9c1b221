"""Mutated recipes: each is read or refused in one line; none raises anything else, and none hangs."""

from pathlib import Path

import pytest
from fuzzing import examples, no_hang
from hypothesis import given
from hypothesis import strategies as st

from open_r1.arguments import RecipeError
from open_r1.recipes import check

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*/*/*.yaml"))
TEXTS = [path.read_text() for path in RECIPES]

VALUES = st.one_of(
    st.sampled_from(
        ["", "null", "true", "no", "0", "-1", "1e999", ".nan", ".inf", "[]", "{}", "[1, [2]]", "{a: {b: 1}}", '"', "'", "&a", "*a",
         "!!python/object:os.system", "!!binary x", "2020-01-01", "99999999999999999999", "0x10", "1_000", "- a", "? a", "|", ">-",
         "\t", "\u0000", "é", "{datasets: [{id: 1}]}", "[accuracy, accuracy]", "os.system", "a.b.c", ".", "..", "x" * 5000]
    ),
    st.text(max_size=20),
    st.integers().map(str),
    st.floats().map(str),
)  # fmt: skip


@st.composite
def mutated(draw) -> bytes:
    """One of our recipes with some lines changed, dropped, doubled, swapped or given other values; or with broken bytes."""
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["value", "value", "value", "drop", "double", "indent", "key", "insert", "cut"]))
        key, colon, _ = lines[place].partition(":")
        if kind == "value" and colon:
            lines[place] = f"{key}: {draw(VALUES)}"
        elif kind == "drop" and len(lines) > 1:
            del lines[place]
        elif kind == "double":
            lines.insert(place, lines[place])
        elif kind == "indent":
            lines[place] = " " * draw(st.integers(1, 4)) + lines[place]
        elif kind == "key":
            lines[place] = lines[place].replace(
                draw(st.sampled_from("aeiou_: ")), draw(st.sampled_from(["", "x", "_"])), 1
            )
        elif kind == "insert":
            lines.insert(place, draw(st.text(max_size=20)))
        elif kind == "cut":
            lines[place] = lines[place][: draw(st.integers(0, len(lines[place])))]
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 19)) == 0 else data


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("recipes") / "grpo.yaml"


@examples(25, 2_000)
@given(data=mutated())
def test_a_mutated_recipe_is_read_or_refused_in_one_line(path, data):
    path.write_bytes(data)
    try:
        with no_hang():
            told = check(path, [])
    except RecipeError as error:
        assert "\n" not in str(error).strip() and str(error).strip()
    else:
        assert "would run" in told[0]
