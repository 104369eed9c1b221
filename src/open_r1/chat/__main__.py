"""Talk to a trained model in a terminal.

    make chat MODEL=runs/grpo                                # starts vLLM; BACKEND=hf for transformers in this process
    python -m open_r1.chat runs/grpo --backend hf --json < questions.txt

Paste a question with its options in any form; an empty line sends it. The model is asked as in training, with the system prompt of
its run folder; its reasoning is shown apart, and what the judge reads as its answer stands below. Nothing that is said is
written to disk. With --json each question, a paragraph on standard input, becomes one JSON object a line.

This is research software, not a medical device. Do not use what it says in anyone's care.
"""

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

from open_r1.adapters import refuse_adapter
from open_r1.answers.choice import extract
from open_r1.answers.sections import answering_part
from open_r1.arguments import DEFAULT_SYSTEM_PROMPT, RecipeError
from open_r1.chat.display import BOLD, PLAIN, Screen, reasoning_of
from open_r1.chat.pasted import read_pasted
from open_r1.chat.replies import Ending, Messages, Replies, from_server, from_transformers
from open_r1.evaluate import DEMO_MODEL
from open_r1.evaluation.backend_flags import add_backend_flags, backend_of
from open_r1.questions import Kind, Question, question_text
from open_r1.rollouts.errors import ServerError

NOTICE = "Research software, not a medical device: do not use what it says in anyone's care."
HELP = "Paste a question, with or without options; an empty line sends it. /new forgets what was said, /quit ends."


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "model",
        nargs="?",
        help="a run folder, a model folder, a name on the hub or on --base_url; default: the demo's",
    )
    add_backend_flags(parser)
    add("--system_prompt", help="instead of the run's, or of training's default; '' for none")
    add("--temperature", type=float, default=0.0, help="default: %(default)s, always the likeliest word")
    add("--max_tokens", type=int, help="of an answer; default: the run's, or 2048")
    add("--seed", type=int, default=0, help="of sampling; default: %(default)s")
    add("--json", action="store_true", help="a JSON object a line for each paragraph of standard input, nothing else")
    args = parser.parse_args(argv)
    if args.model is None:
        if not DEMO_MODEL.is_dir():
            raise FileNotFoundError(
                f"{DEMO_MODEL} is not there; run `make demo` first, or name a model: make chat MODEL=..."
            )
        args.model, args.backend = str(DEMO_MODEL), args.backend if args.base_url else "hf"
    return args


def run_recipe(model: str) -> dict:
    """The recipe keys that the model's run folder kept, {} for a model without one."""
    described = Path(model) / "run.json"
    return json.loads(described.read_text(encoding="utf-8"))["recipe"] if described.is_file() else {}


# ---------------------------------------------------------------------------------------------------------------------
# One question


def as_question(text: str) -> Question:
    """What was pasted as the record of a question; its right answer is not known."""
    stem, options = read_pasted(text)
    return Question("pasted", "chat", "chat", stem, options, "", Kind.CHOICE if options else Kind.TEXT)


def result(question: Question, completion: str, ending: Ending, seconds: float, model: str) -> dict:
    """Everything about one answer as plain data; `answer` is a letter where there are options."""
    part = answering_part(completion)
    letter, how = extract(completion, question.options) if question.options else (None, None)
    return {
        "question": question.stem,
        "options": question.options,
        "reasoning": reasoning_of(completion),
        "answer": letter if question.options else part.text.strip(),
        "answer_text": question.options.get(letter) if question.options else part.text.strip(),
        "how": how and how.value,
        "completion": completion,
        "tokens": ending.tokens,
        "truncated": ending.truncated,
        "seconds": round(seconds, 3),
        "model": model,
        "notice": NOTICE,
    }


def told(found: dict) -> str:
    """The line below a completion: what was read as its answer, or why nothing was."""
    end = " (cut off: --max_tokens)" if found["truncated"] else ""
    if not found["options"]:
        return end.strip()
    if found["answer"] is None:
        return f"No answer that can be read: {found['how']}{end}"
    return f"Answer: ({found['answer']}) {found['answer_text']}  [read by its {found['how']}]{end}"


# ---------------------------------------------------------------------------------------------------------------------
# Two ways to talk


def paragraphs(lines: Iterator[str]) -> Iterator[str]:
    """Texts between empty lines."""
    held: list[str] = []
    for line in lines:
        if line.strip():
            held.append(line.rstrip("\n"))
        elif held:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


def answer_all(replies: Replies, system: Messages, model: str) -> None:
    """A JSON line for each paragraph of standard input, each question alone."""
    for text in paragraphs(sys.stdin):
        question, ending, start = as_question(text), Ending(), time.monotonic()
        completion = "".join(replies([*system, {"role": "user", "content": question_text(question)}], ending))
        print(
            json.dumps(result(question, completion, ending, time.monotonic() - start, model), ensure_ascii=False),
            flush=True,
        )


def wrapped(line: str) -> str:
    """A line broken between words where the terminal ends, be it a phone's."""
    return textwrap.fill(line, shutil.get_terminal_size().columns, replace_whitespace=False)


def typed(prompt: str) -> Iterator[str]:
    """Lines of the terminal until its end."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 arrow keys and what was typed before
    while True:
        try:
            yield input(prompt)
        except EOFError:
            print()
            return


def talk(replies: Replies, system: Messages, model: str) -> None:
    """The conversation at a terminal. A question with options stands alone, as in training; other messages go on."""
    colour = sys.stdout.isatty()
    said: Messages = []
    for text in paragraphs(typed("> " if sys.stdin.isatty() else "")):
        if text.strip() in ("/quit", "/exit"):
            return
        if text.strip() == "/new":
            said = []
            print("(a new conversation)")
            continue
        question = as_question(text)
        if question.options:
            said = []
            print(
                wrapped("understood: " + "  ".join(f"({letter}) {text}" for letter, text in question.options.items()))
            )
        said.append({"role": "user", "content": question_text(question)})
        pieces, screen, ending, start = [], Screen(sys.stdout.isatty()), Ending(), time.monotonic()
        stream = replies([*system, *said], ending)
        try:
            for piece in stream:
                pieces.append(piece)
                screen.show(piece)
        except KeyboardInterrupt:
            stream.close()
            print("\n(stopped)")
        screen.show("", last=True)
        completion = "".join(pieces)
        # Models are trained to see earlier answers without the reasoning behind them.
        said.append({"role": "assistant", "content": answering_part(completion).text.strip()})
        if line := told(result(question, completion, ending, time.monotonic() - start, model)):
            print(f"{BOLD}{wrapped(line)}{PLAIN}" if colour else wrapped(line))


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 at the end, 2 for a model or server that is not there, 130 interrupted."""
    try:
        args = parse_args(argv)
        return chat(args)
    except (RecipeError, ServerError, FileNotFoundError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130


def chat(args: argparse.Namespace) -> int:
    """Open the model that `args` name and talk."""
    refuse_adapter(args.model.rstrip("/"))
    recipe, backend = run_recipe(args.model), backend_of(args)
    prompt = recipe.get("system_prompt", DEFAULT_SYSTEM_PROMPT) if args.system_prompt is None else args.system_prompt
    system = [{"role": "system", "content": prompt}] if prompt else []
    sampling = (args.max_tokens or recipe.get("max_completion_length") or 2048, args.temperature, args.seed)
    # What is known without the model comes first: loading it takes a while.
    tell = sys.stderr if args.json else sys.stdout
    print("\n".join(map(wrapped, [NOTICE, args.model, *([] if args.json else [HELP])])), file=tell, flush=True)
    speak = answer_all if args.json else talk
    if backend.local and not backend.base_url:
        try:
            replies = from_transformers(backend, *sampling)
        except (OSError, ValueError) as error:  # not there, damaged, gated, no network
            raise RecipeError(f"{args.model} cannot be loaded: {error}") from None
        speak(replies, system, args.model)
        return 0
    import openai

    from open_r1.evaluation.backends import serving

    with tempfile.TemporaryDirectory() as folder, serving(backend, Path(folder) / "server.log") as served:
        try:
            speak(from_server(served, *sampling), system, args.model)
        except openai.OpenAIError as error:
            raise ServerError(f"{served.base_url}: {error}") from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
