"""An adapter merged into its base model, and the proof that both compute the same."""

import json
import shutil
from pathlib import Path

import torch
import transformers
from peft import PeftModel
from transformers import AutoConfig, AutoProcessor, AutoTokenizer, BitsAndBytesConfig, PreTrainedModel

from open_r1.adapters import ADAPTER_CONFIG, is_adapter
from open_r1.arguments import RecipeError
from open_r1.publishing.card import RECIPE
from open_r1.questions.manifest import DATA_MANIFESTS
from open_r1.questions.output import check_output, whole_folder

SENTENCE = "A 60-year-old man has crushing chest pain that spreads to his left arm. The diagnosis is"
# What save_pretrained may write, so that --overwrite replaces a merged model and nothing else.
FILES = {
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "preprocessor_config.json",
    "processor_config.json",
    RECIPE,
    DATA_MANIFESTS,
}


def merge_adapter(
    adapter: Path,
    output: Path,
    base: str | None = None,
    dtype: str = "auto",
    four_bit: str | None = None,
    nested: bool = False,
    overwrite: bool = False,
) -> float:
    """Write base + adapter as one model with tokenizer to `output`; returns the largest |log-prob difference| on a sentence.

    `four_bit` is the quantisation type ("nf4") of a base that was trained in 4 bits: the adapter is merged into its
    dequantised weights. Raises RecipeError for a folder without adapter or without its base, DataError for an output that
    is there.
    """
    if not is_adapter(adapter):
        raise RecipeError(
            f"{adapter}: not an adapter's folder, it holds no {ADAPTER_CONFIG} (or a whole model beside it)."
        )
    known = json.loads((adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    source, revision = base or known["base_model_name_or_path"], None if base else known.get("revision")
    names = FILES | {path.name for path in output.glob("model-*-of-*.safetensors")}
    check_output(output, overwrite, names)
    try:
        config = AutoConfig.from_pretrained(source, revision=revision)
    except OSError as error:
        raise RecipeError(
            f"{adapter}: its base {source} cannot be read; give --base. {str(error).splitlines()[0]}"
        ) from None
    model = _load_base(source, revision, config, dtype, four_bit, nested)
    tokenizer = AutoTokenizer.from_pretrained(adapter if (adapter / "tokenizer_config.json").is_file() else source)

    model = PeftModel.from_pretrained(model, adapter).eval()
    before = _log_probs(model, tokenizer)
    merged = model.merge_and_unload(progressbar=True, safe_merge=True)
    difference = (_log_probs(merged, tokenizer) - before).abs().max().item()

    with whole_folder(output, overwrite, names) as folder:
        merged.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        # What it was trained on goes with the model: an evaluation leaves those rows out, the card tells them.
        for name in (RECIPE, DATA_MANIFESTS):
            if (adapter / name).is_file():
                shutil.copy(adapter / name, folder)
        if hasattr(config, "vision_config"):
            # A model that sees is served with its image processor, though only its language part was trained.
            AutoProcessor.from_pretrained(source, revision=revision).image_processor.save_pretrained(folder)
    return difference


def _load_base(source: str, revision: str | None, config, dtype: str, four_bit: str | None, nested: bool):
    # The class that TRL trained: a multimodal model's adapter names layers below its language model.
    architecture: type[PreTrainedModel] = getattr(transformers, config.architectures[0])
    quantization = None
    if four_bit:
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=four_bit,
            bnb_4bit_use_double_quant=nested,
            bnb_4bit_compute_dtype=config.dtype if dtype == "auto" else getattr(torch, dtype),
        )
    model = architecture.from_pretrained(source, revision=revision, dtype=dtype, quantization_config=quantization)
    return model.dequantize() if four_bit else model


@torch.inference_mode()
def _log_probs(model, tokenizer) -> torch.Tensor:
    """Log-probabilities of every token of SENTENCE, (tokens - 1, vocabulary)."""
    inputs = tokenizer(SENTENCE, return_tensors="pt").to(model.device)
    return model(**inputs).logits[0, :-1].float().log_softmax(-1)
