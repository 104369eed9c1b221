"""Everything `make demo` trains on, made locally from one seed: synthetic questions, two teachers' traces, a tiny model.

    python scripts/demo_prepare.py --seed 0 --output_dir runs/demo

writes below the output folder

    questions/        train and test: synthetic vignettes (not medical advice), split by distinct vignette
    traces_gold/      train.jsonl for the SFT cold start, written by a careful teacher
    traces_careless/  the same from a careless one, most of whose reasoning stops too early
    model/            a Qwen2 of 390,000 untrained parameters (untied embeddings) and its tokenizer
"""

import argparse
import json
import random
from pathlib import Path

import yaml

from open_r1.questions.prepared import write_prepared
from open_r1.questions.record import Question, question_text
from open_r1.questions.vignettes import (
    FINDINGS,
    LETTERS,
    careless_trace,
    gold_trace,
    make_questions,
    split_vignettes,
)

ROOT = Path(__file__).resolve().parents[1]
ROWS_PER_VIGNETTE = {"train": 20, "test": 4}
HEAD_DIM = 24
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def prepare(folder: Path, seed: int, head_dim: int = HEAD_DIM) -> list[Question]:
    """Write questions, traces and the untrained model to a folder; returns the held-out questions."""
    questions = {
        split: make_questions(vignettes, ROWS_PER_VIGNETTE[split], split, seed)
        for split, vignettes in split_vignettes(seed).items()
    }
    (folder / "questions").mkdir(parents=True, exist_ok=True)
    write_prepared(folder / "questions", questions)
    rng = random.Random(f"traces {seed}")
    teachers = {"gold": gold_trace, "careless": lambda question: careless_trace(question, rng)}
    for name, teacher in teachers.items():
        rows = [
            {"prompt": ask(question), "completion": [{"role": "assistant", "content": teacher(question)}]}
            for question in questions["train"]
        ]
        write_jsonl(folder / f"traces_{name}" / "train.jsonl", rows)
    build_model(folder / "model", questions["train"], seed, head_dim)
    return questions["test"]


def system_prompt() -> str:
    """The demo's system prompt; recipes are the one place where it stands."""
    recipe = ROOT / "recipes" / "tiny-medical" / "grpo" / "config_demo.yaml"
    return yaml.safe_load(recipe.read_text(encoding="utf-8"))["system_prompt"]


def ask(question: Question) -> list[dict[str, str]]:
    """The messages that ask a question; trainers put the recipe's system prompt before them."""
    return [{"role": "user", "content": question_text(question)}]


def write_jsonl(path: Path, rows: list[dict]):
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def build_tokenizer(questions: list[Question]):
    """A byte-level BPE tokenizer in which each condition, finding, lettered choice and tag is one token.

    The tags are not special tokens: the trainer decodes completions without special tokens, and rewards must see them.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    text = [f"{system_prompt()}\n{question_text(q)}{gold_trace(q)}" for q in questions[:1000]]
    roles = [f"\n{role}\n" for role in ("system", "user", "assistant")] * len(text)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(text + roles, trainer)
    findings = sorted({finding for own in FINDINGS.values() for finding in own})
    words = [f" {word}" for word in [*FINDINGS, *findings, *(f"({letter})" for letter in LETTERS)]]
    tags = ["<think>", "</think>", "<answer>", "</answer>"]
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in words + tags])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
    )


def build_model(folder: Path, questions: list[Question], seed: int, head_dim: int):
    """Write a tiny untrained Qwen2 and its tokenizer, loadable by AutoModelForCausalLM and AutoTokenizer.

    Embeddings are untied: vLLM on CPU reloads tied ones wrongly, and the demo's model should serve everywhere.
    """
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    tokenizer = build_tokenizer(questions)
    torch.manual_seed(seed)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=288,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=head_dim,
        max_position_embeddings=256,
        initializer_range=0.05,
        tie_word_embeddings=False,
        **ends,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(**ends)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output_dir", type=Path, default=Path("runs/demo"))
    parser.add_argument(
        "--head_dim",
        type=int,
        default=HEAD_DIM,
        help="width of an attention head; vLLM's CPU build serves none under 32 (default: %(default)s)",
    )
    args = parser.parse_args()
    held_out = prepare(args.output_dir, args.seed, args.head_dim)
    print(f"{args.output_dir}: questions, traces of two teachers, a tiny model; {len(held_out)} questions held out")


if __name__ == "__main__":
    main()
