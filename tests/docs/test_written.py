"""What README and docs name is there: make targets, scripts and their flags, modules, paths, recipe keys, names, links."""

import ast
import dataclasses
import inspect
import re
import runpy
from pathlib import Path

import yaml
from accelerate.commands.launch import launch_command_parser

from open_r1.evaluation.table import PUBLISHED
from open_r1.recipes import TASKS, _keys
from open_r1.retired import DROPPED, ENVIRONMENT, RENAMED, RETIRED_VALUES, REWARD_ARGUMENTS
from open_r1.rewards import REWARDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "recipes/README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = {"--key"}
KEYS = set().union(*map(_keys, TASKS)) | {"env"}
RETIRED = RENAMED.keys() | DROPPED.keys() | REWARD_ARGUMENTS.keys() | ENVIRONMENT.keys()
RETIRED |= {key for (key, _), _ in RETIRED_VALUES}


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def inline(page: Path) -> list[str]:
    """Code within the text of a page."""
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", page.read_text(encoding="utf-8")))


def fenced(page: Path, *languages: str) -> list[str]:
    """The code blocks of a page in these languages."""
    return [body for language, body in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def commands(page: Path) -> list[str]:
    """Every command of a page, on one line and without its comment."""
    lines = [line for body in fenced(page, "shell", "bash") for line in body.replace("\\\n", " ").splitlines()]
    return [re.sub(r"\s#\s.*", "", line) for line in lines if not line.startswith("#")] + inline(page)


def program_of(word: str, before: str) -> Path | None:
    """The file that a word of a command runs: a path to a script, or a module of ours after -m."""
    if before == "-m" and word.startswith("open_r1"):
        place = ROOT / "src" / word.replace(".", "/")
        return place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
    if re.fullmatch(r"(scripts|src|benchmarks|tests|slurm)/[\w/]+\.(py|slurm)", word):
        return ROOT / word
    return None


def flags_of(program: Path) -> set[str]:
    """The flags that a program takes: those it adds itself or has added, those of what it hands the others to, recipe keys."""
    files = list(program.parent.glob("*.py")) if program.name == "__main__.py" else [program]
    source = program.read_text(encoding="utf-8")
    if program.suffix == ".slurm" or "parse_known_args" in source:
        files += [ROOT / named for named in re.findall(r"src/open_r1/\w+\.py", source)]
    files = [file for file in files if file.suffix == ".py"]
    found: set[str] = set()
    for file in files:
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                found |= {a.value for a in node.args if isinstance(a, ast.Constant) and str(a.value).startswith("--")}
            if isinstance(node, ast.ImportFrom) and any(
                "flags" in one.name or one.name == "main" for one in node.names
            ):
                found |= flags_of(ROOT / "src" / (node.module.replace(".", "/") + ".py"))
        if "load_recipe" in text or "run_setup" in text:
            found |= {f"--{key}" for key in KEYS | RETIRED} | {"--config"}
    return found


def test_make_targets_and_their_variables_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"\$\(?(?:if )?\$?\(?([A-Z_]+)\)", makefile)) | set(
        re.findall(r"^([A-Z_]+) [?:]=", makefile, re.M)
    )
    wrong = []
    for page in PAGES:
        for target, given in re.findall(
            r"(?:^|&& |\s)make ([a-z][\w-]*)((?: +[A-Z_]+=[^\s]*)*)", "\n".join(commands(page))
        ):
            if target not in targets:
                wrong.append(f"{name(page)}: make {target}")
            wrong += [
                f"{name(page)}: make {target} {one}="
                for one in re.findall(r"([A-Z_]+)=", given)
                if one not in variables
            ]
    assert len(targets) > 10 and "MODEL" in variables and not wrong


def test_programs_exist_and_take_the_flags_they_are_given():
    launch = {option for action in launch_command_parser()._actions for option in action.option_strings}
    wrong, checked = [], 0
    for page in PAGES:
        for command in commands(page):
            words = re.sub(r"[\[\]]", " ", command).split()
            takes = launch if "launch" in words[:3] else None
            for before, word in zip(["", *words], words, strict=False):
                if program := program_of(word, before):
                    if not program.is_file():
                        wrong.append(f"{name(page)}: {word}")
                        break
                    takes = flags_of(program)
                elif (
                    takes is not None and word.startswith("--") and word.partition("=")[0] not in takes | PLACEHOLDERS
                ):
                    wrong.append(f"{name(page)}: {command[:60]} ...: {word}")
                checked += takes is not None and word.startswith("--")
    assert checked > 80 and not wrong


def test_paths_exist():
    top = "recipes|scripts|src|docs|tests|benchmarks|slurm|requirements"
    wrong = []
    for page in PAGES:
        words = {
            word.strip("()[],;:'\"")
            for code in (*commands(page), *fenced(page, "python", "yaml", ""))
            for word in code.split()
        }
        for word in words:
            path = re.sub(r"(::|#).*", "", word)
            if re.fullmatch(rf"({top})/[\w./*-]+", path) and not any(ROOT.glob(path)):
                wrong.append(f"{name(page)}: {word}")
            if re.fullmatch(r"[\w.-]+/(grpo|sft)/\w+\.yaml", path) and not (ROOT / "recipes" / path).is_file():
                wrong.append(f"{name(page)}: {word}")
    assert not wrong


def test_recipe_keys_exist():
    wrong = []
    for page in PAGES:
        allowed = KEYS | (RETIRED if page.name == "migration.md" else set())
        for body in fenced(page, "yaml"):
            wrong += [f"{name(page)}: {key}" for key in yaml.safe_load(body) if key not in allowed]
        for code in inline(page):
            key = re.match(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)+): ", code)
            if key and key[1] not in allowed | arguments():
                wrong.append(f"{name(page)}: `{code}`")
    assert not wrong


def arguments() -> set[str]:
    """Keys within the mappings of recipes and of launch files: whatever a recipe or our code says so, and what rewards take."""
    files = [*(ROOT / "recipes").rglob("*.yaml"), *(ROOT / "src/open_r1").rglob("*.py")]
    said = re.findall(r"\b([a-z][a-z0-9_]*)(?:: |=)", "\n".join(file.read_text(encoding="utf-8") for file in files))
    return set(said).union(*(inspect.signature(reward).parameters for reward in REWARDS.values()))


def test_names_of_code_and_tests_exist():
    files = [
        path
        for folder in ("src", "scripts", "tests", "benchmarks", "recipes", "slurm")
        for path in (ROOT / folder).rglob("*")
    ]
    files = [path for path in files if path.suffix in (".py", ".yaml", ".slurm", ".js", ".md", ".json")] + [
        ROOT / "Makefile"
    ]
    known = set(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in files if path not in PAGES)))
    known |= {path.stem for path in files} | KEYS | RETIRED
    known |= {str(field.default) for classes in TASKS.values() for one in classes for field in dataclasses.fields(one)}
    wrong = []
    for page in PAGES:
        for code in inline(page):
            own = code.startswith("my_")  # stands for the reader's own
            if re.fullmatch(r"[a-z]\w*_\w+(\.\w+)*", code) and not own and not set(re.findall(r"\w+", code)) <= known:
                wrong.append(f"{name(page)}: `{code}`")
    assert not wrong


def test_links_of_the_readmes_lead_somewhere():
    wrong = []
    for page in PAGES[:2]:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = link.partition("#")
            if "://" in link:
                continue
            target = (page.parent / path).resolve() if path else page
            if not target.exists():
                wrong.append(f"{name(page)}: {link}")
            elif anchor:
                headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                places = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
                wrong += [f"{name(page)}: {link}"] if anchor not in places else []
    assert not wrong


def test_figures_and_tables_of_keys_are_what_the_code_says():
    for script in ("doc_figures.py", "recipe_keys.py"):
        main = runpy.run_path(str(ROOT / "scripts" / script))["main"]
        assert main(["--check"]) == 0, f"old: run python scripts/{script}"


def test_the_published_rows_are_those_that_evaluations_print():
    page = (ROOT / "docs/reproduce.md").read_text(encoding="utf-8")
    for model, values in PUBLISHED.items():
        assert f"| {model} | {' | '.join(f'{value:.2f}' for value in values)} |" in page


def test_every_retired_key_is_on_the_page_of_migration():
    page = (ROOT / "docs/migration.md").read_text(encoding="utf-8")
    assert not [key for key in RETIRED if f"`{key}`" not in page and f"`{key}: " not in page]
