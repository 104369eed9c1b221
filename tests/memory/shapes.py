"""The published configurations of the models that recipes name: shapes only, so that no test needs the hub."""

from pathlib import Path

import yaml
from transformers import Gemma3Config, PreTrainedConfig, Qwen2Config

QWEN = {"hidden_act": "silu", "rms_norm_eps": 1e-6, "architectures": ["Qwen2ForCausalLM"]}


def qwen(hidden, intermediate, layers, heads, kv_heads, vocab, length=32768, tied=False, theta=1e6) -> Qwen2Config:
    return Qwen2Config(
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        vocab_size=vocab,
        max_position_embeddings=length,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        **QWEN,
    )


def gemma_3_12b() -> Gemma3Config:
    text = {
        "hidden_size": 3840,
        "intermediate_size": 15360,
        "num_hidden_layers": 48,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 256,
        "vocab_size": 262208,
        "sliding_window": 1024,
        "query_pre_attn_scalar": 256,
        "max_position_embeddings": 131072,
    }
    vision = {
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 896,
        "patch_size": 14,
    }
    return Gemma3Config(
        text_config=text,
        vision_config=vision,
        mm_tokens_per_image=256,
        architectures=["Gemma3ForConditionalGeneration"],
        tie_word_embeddings=True,
    )


QWEN_7B = {"hidden": 3584, "intermediate": 18944, "layers": 28, "heads": 28, "kv_heads": 4}

# name -> (configuration, parameters as published, in billions)
MODELS = {
    "Qwen/Qwen2.5-1.5B-Instruct": (qwen(1536, 8960, 28, 12, 2, 151936, tied=True), 1.54),
    "Qwen/Qwen2.5-3B": (qwen(2048, 11008, 36, 16, 2, 151936, tied=True), 3.09),
    "Qwen/Qwen2.5-7B-Instruct": (qwen(**QWEN_7B, vocab=152064), 7.62),
    "FreedomIntelligence/HuatuoGPT-o1-7B": (qwen(**QWEN_7B, vocab=152064), 7.62),
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": (qwen(**QWEN_7B, vocab=152064, length=131072, theta=1e4), 7.62),
    "Qwen/Qwen2.5-Math-7B": (qwen(**QWEN_7B, vocab=152064, length=4096, theta=1e4), 7.62),
    "google/gemma-3-12b-it": (gemma_3_12b(), 12.2),
}


def config_of(recipe: Path) -> PreTrainedConfig | None:
    """The configuration of a recipe's model; None for one that is made locally."""
    name = yaml.safe_load(recipe.read_text())["model_name_or_path"]
    return None if name.startswith("runs/") else MODELS[name][0]
