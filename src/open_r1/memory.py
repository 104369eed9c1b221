"""GPU memory that a recipe needs, part by part, from its model's shape: before anything is downloaded or started.

    python -m open_r1.memory recipes/gemma-3-12b-it/grpo/config_lora.yaml --num_processes 3 --accelerate_config zero2

The model is built on the meta device, so its parameters and its adapter's are counted, not guessed. Weights, gradients and
optimizer states follow from ZeRO's papers and are compared with DeepSpeed's own estimators; activations follow from the tensors
that a decoder layer keeps for its backward pass. Peaks on a GPU have not been measured: take it as a guide with a tenth to spare.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
import yaml
from transformers import AutoConfig, PreTrainedConfig
from trl import ModelConfig

from open_r1.adapters import adapter_config
from open_r1.arguments import GRPOConfig, RecipeError

GIB = 2**30
CONTEXT = int(1.5 * GIB)  # CUDA context, kernels and the allocator's slack
TILE = 32_768  # of the vocabulary: TRL's output layer computes log-probs tile by tile
PACKED = 0.53  # bytes of a 4-bit weight with its scales (blocks of 64, scales packed again)
KEPT = ("weights", "optimizer states", "reference model", "CUDA context")
ACCELERATE = Path(__file__).resolve().parents[2] / "recipes" / "accelerate_configs"


@dataclass(frozen=True)
class Sharding:
    """How a launch splits a model: DeepSpeed's ZeRO stage (0: every process holds all) and what lies in host memory."""

    stage: int = 0
    offload_optimizer: bool = False
    offload_params: bool = False

    @classmethod
    def of(cls, path: Path) -> "Sharding":
        """What an accelerate config file says."""
        config = yaml.safe_load(path.read_text(encoding="utf-8")).get("deepspeed_config") or {}
        return cls(
            stage=config.get("zero_stage", 0),
            offload_optimizer=config.get("offload_optimizer_device", "none") != "none",
            offload_params=config.get("offload_param_device", "none") != "none",
        )


@dataclass(frozen=True)
class Shape:
    """What memory depends on in a model; parameters are counted, tied ones once."""

    params: int
    largest_layer: int
    """Parameters of the largest single module: ZeRO-3 gathers at least that."""
    packable: int
    """Parameters in linear layers that a 4-bit base packs: all but the output layer's."""
    adapter: int
    """Trainable parameters of the recipe's adapter, 0 without one."""
    config: PreTrainedConfig = field(repr=False)
    """Of the language model."""


@dataclass(frozen=True)
class Estimate:
    """Bytes of one training GPU by part, of host memory for all processes, and of each GPU of the vLLM server."""

    parts: dict[str, int]
    host: int
    server: dict[str, int]
    colocated: dict[str, int] = field(default_factory=dict)
    """Bytes that vLLM needs within its share of the training GPU; empty where it has GPUs of its own or none."""
    share: float = 0.0
    """Of the training GPU, that a colocated vLLM takes while it generates."""
    sleeps: bool = False
    """Whether a colocated vLLM gives its share back while the model trains."""

    @property
    def gpu(self) -> int:
        """Bytes that a training GPU must have: while it trains, and while a colocated vLLM generates."""
        training = sum(self.parts.values())
        if not self.colocated:
            return training
        # While vLLM generates, gradients and activations are gone; weights and optimizer states stay.
        kept = sum(self.parts.get(name, 0) for name in KEPT) if self.sleeps else training
        return int(max(training, kept / (1 - self.share), sum(self.colocated.values()) / self.share))

    @property
    def server_gpu(self) -> int:
        """Bytes that a GPU of the vLLM server must have; 0 without a server of its own."""
        return sum(self.server.values())


def build_on_meta(config: PreTrainedConfig, model_args: ModelConfig) -> torch.nn.Module:
    """The recipe's model with its adapter on the meta device: no weights, all names and shapes.

    Raises RecipeError when the adapter's target modules are not in the model.
    """
    architecture = getattr(transformers, config.architectures[0])
    with torch.device("meta"):
        model = architecture._from_config(config)
        model.tie_weights()
        peft_config = adapter_config(model_args)
        if peft_config is None:
            return model
        from peft import get_peft_model

        try:
            return get_peft_model(model, peft_config)
        except ValueError as error:
            raise RecipeError(f"lora_target_modules: {model_args.lora_target_modules}: {error}") from None


def shape_of(config: PreTrainedConfig, model_args: ModelConfig) -> Shape:
    """Counts of the recipe's model, from its configuration alone."""
    model = build_on_meta(config, model_args)
    adapter = sum(p.numel() for p in model.parameters() if p.requires_grad) if model_args.use_peft else 0
    base = model.get_base_model() if model_args.use_peft else model
    output = base.get_output_embeddings()
    linear = [
        module
        for name, module in base.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not output and ".lora_" not in name
    ]
    return Shape(
        params=sum(p.numel() for p in model.parameters()) - adapter,
        largest_layer=max(sum(p.numel() for p in m.parameters(recurse=False)) for m in model.modules()),
        packable=sum(module.weight.numel() for module in linear),
        adapter=adapter,
        config=config.get_text_config(),
    )


def estimate(
    recipe: tuple, num_processes: int, sharding: Sharding, config: PreTrainedConfig | None = None
) -> Estimate:
    """Memory of a parsed recipe, (script_args, training_args, model_args), on `num_processes` training GPUs.

    `config` is the model's; by default it is read from the recipe's folder or the hub.
    """
    script_args, training_args, model_args = recipe
    if config is None:
        config = AutoConfig.from_pretrained(model_args.model_name_or_path, revision=model_args.model_revision)
    shape = shape_of(config, model_args)
    parts, host = _states(shape, training_args, model_args, num_processes, sharding)
    parts |= _activations(shape, script_args, training_args, model_args)
    parts["CUDA context"] = CONTEXT
    if not isinstance(training_args, GRPOConfig) or not training_args.use_vllm or training_args.names_a_server:
        return Estimate(parts, host, {})
    vllm, share = _vllm(shape, script_args, training_args), training_args.vllm_gpu_memory_utilization
    if training_args.vllm_mode == "colocate":
        return Estimate(parts, host, {}, vllm, share, bool(training_args.vllm_enable_sleep_mode))
    needed = sum(vllm.values())
    # vLLM leaves the rest of the GPU alone.
    return Estimate(parts, host, vllm | {"left alone": int(needed / share) - needed + CONTEXT})


def _states(
    shape: Shape, training_args, model_args: ModelConfig, processes: int, sharding: Sharding
) -> tuple[dict, int]:
    """Weights, gradients, optimizer states and working buffers of one GPU, and bytes of host memory."""
    deepspeed, stage = sharding.stage > 0, sharding.stage
    half = training_args.bf16 or training_args.fp16
    # DeepSpeed converts the weights; without it they stay in the recipe's dtype, and bf16 is autocast.
    width = 2 if (half if deepspeed else model_args.dtype in ("bfloat16", "float16")) else 4
    packed = shape.packable if model_args.load_in_4bit or model_args.load_in_8bit else 0
    bytes_packed = packed * (PACKED if model_args.load_in_4bit else 1)
    weights = (shape.params - packed) * width + bytes_packed
    trainable = shape.adapter if model_args.use_peft else shape.params
    # peft keeps adapters of a half-precision base in float32, and the optimizer's states with them.
    own = 4 if model_args.use_peft and not deepspeed else width
    if model_args.use_peft:
        weights += trainable * own
    if deepspeed and half:
        # In half precision, and in float32 for the step; master weights and both moments in float32.
        gradients, optimizer = trainable * (width + 4), trainable * 12
    else:
        gradients = trainable * own
        optimizer = trainable * 2 * (1 if "8bit" in training_args.optim else own)
    reference = 0
    if isinstance(training_args, GRPOConfig) and training_args.beta != 0 and not model_args.use_peft:
        reference = shape.params * width

    if stage >= 1:
        optimizer /= processes
    if stage >= 2:
        gradients /= processes
    buffers = 0
    if stage == 3:
        weights, reference = weights / processes, reference / processes
        # The layer at work, gathered: weights and gradients.
        buffers = 2 * width * shape.largest_layer
    elif deepspeed:
        # Two buckets of at most 500 million elements: reduce and gather.
        buffers = 2 * width * min(trainable, 500_000_000)
    elif processes > 1:
        buffers = trainable * own  # DDP's buckets are as large as the gradients
    host = 0
    if sharding.offload_optimizer:
        host += (optimizer + gradients) * processes
        optimizer = gradients = 0
    if sharding.offload_params:
        host += (weights + reference) * processes
        weights = reference = 0
    parts = {
        "weights": weights,
        "gradients": gradients,
        "optimizer states": optimizer,
        "reference model": reference,
        "buffers": buffers,
    }
    return {name: int(size) for name, size in parts.items() if size}, int(host)


def _activations(shape: Shape, script_args, training_args, model_args: ModelConfig) -> dict[str, int]:
    """What the backward pass needs of one micro-batch, the output layer's tile, and the cache of `generate`."""
    config = shape.config
    length = longest_sequence(script_args, training_args, config)
    batch = training_args.per_device_train_batch_size
    tokens = batch * length
    width = 2 if training_args.bf16 or training_args.fp16 or model_args.dtype in ("bfloat16", "float16") else 4
    heads, head = config.num_attention_heads, _head_dim(config)
    attention = (2 * heads + 2 * config.num_key_value_heads) * head
    # Kept by a decoder layer: two norms' inputs and float32 copies, q, k, v and the heads' output, gate, up, activation and product.
    layer = tokens * width * (8 * config.hidden_size + attention + 4 * config.intermediate_size)
    if model_args.attn_implementation == "eager":
        # Scores and their softmax in float32, for every pair of tokens.
        layer += batch * heads * length**2 * (4 + width)
    layers = config.num_hidden_layers
    checkpointed = training_args.gradient_checkpointing
    kept = layers * tokens * config.hidden_size * width + layer if checkpointed else layers * layer
    parts = {"activations": kept, "output layer": tokens * min(TILE, config.vocab_size) * 4}
    if isinstance(training_args, GRPOConfig) and not training_args.use_vllm:
        together = batch * (training_args.steps_per_generation or training_args.gradient_accumulation_steps)
        parts["generation cache"] = together * length * _cache_per_token(config, width)
    return {name: int(size) for name, size in parts.items()}


def longest_sequence(script_args, training_args, config: PreTrainedConfig) -> int:
    """Tokens of the longest sequence that a recipe can train on."""
    if isinstance(training_args, GRPOConfig):
        limit = training_args.vllm_max_model_length if training_args.use_vllm else None
        # Without a limit in the recipe a prompt has what GRPO's field calls long.
        return limit or (script_args.max_prompt_length or 1024) + training_args.max_completion_length
    return training_args.max_length or config.max_position_embeddings


def _vllm(shape: Shape, script_args, training_args: GRPOConfig) -> dict[str, int]:
    """vLLM on one GPU: its part of the weights in half precision, and a cache for at least 8 sequences."""
    width = 2 if training_args.bf16 or training_args.fp16 else 4
    parallel = training_args.vllm_tensor_parallel_size
    length = longest_sequence(script_args, training_args, shape.config)
    return {
        "weights": shape.params * width // parallel,
        "cache of 8 sequences": 8 * length * _cache_per_token(shape.config, width) // parallel,
    }


def _cache_per_token(config: PreTrainedConfig, width: int) -> int:
    return 2 * config.num_hidden_layers * config.num_key_value_heads * _head_dim(config) * width


def _head_dim(config: PreTrainedConfig) -> int:
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def table(found: Estimate) -> str:
    """An estimate in lines to read, in GiB."""
    lines = [f"  {name:24}{size / GIB:8.1f}" for name, size in found.parts.items()]
    if found.colocated:
        when = "while generating" if found.sleeps else "all the time"
        lines.append(f"  {'vLLM on the same GPU':24}{found.gpu * found.share / GIB:8.1f}  ({when})")
    lines.append(f"a training GPU            {found.gpu / GIB:8.1f} GiB")
    lines += [f"  {name:24}{size / GIB:8.1f}" for name, size in found.server.items()]
    if found.server:
        lines.append(f"a GPU of the vLLM server  {found.server_gpu / GIB:8.1f} GiB")
    if found.host:
        lines.append(f"host memory               {found.host / GIB:8.1f} GiB")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    from open_r1.recipes import load_recipe, task_of

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--num_processes", type=int, required=True, help="training processes, one a GPU")
    parser.add_argument(
        "--accelerate_config", default="zero3", choices=sorted(p.stem for p in ACCELERATE.glob("*.yaml"))
    )
    args, flags = parser.parse_known_args(argv)
    try:
        argv = ["--config", str(args.recipe), *flags]
        recipe, _ = load_recipe(task_of(args.recipe), argv, num_processes=args.num_processes)
        found = estimate(recipe, args.num_processes, Sharding.of(ACCELERATE / f"{args.accelerate_config}.yaml"))
    except (RecipeError, OSError) as error:
        print(f"error: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
