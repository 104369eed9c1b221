"""The flags that say where completions come from, alike for evaluating, distilling and grading; light to import."""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class Backend:
    """What the command line says of it; without `base_url` and `local` a server is started."""

    model: str
    base_url: str | None = None
    api_key: str = "EMPTY"
    local: bool = False
    num_gpus: int = 1
    parallel: str = "data"
    max_model_length: int | None = None
    start_timeout: float = 900.0


def add_backend_flags(parser: argparse.ArgumentParser, *url_names: str) -> None:
    """Add the flags that `backend_of` reads; `url_names` are more names of --base_url."""
    add = parser.add_argument
    add("--backend", default="vllm", choices=["vllm", "hf"], help="vllm starts a server; hf is local transformers")
    add("--base_url", *url_names, help="a running OpenAI-compatible server instead")
    add("--api_key", default="EMPTY", help="of that server")
    add("--num_gpus", type=int, default=1)
    add(
        "--parallel",
        default="data",
        choices=["data", "tensor"],
        help="data: a copy per GPU; tensor: one over all GPUs",
    )
    add("--max_model_length", type=int, help="of the started server")
    add("--max_connections", type=int, help="requests at a time (256 for servers, 32 for hf)")


def backend_of(args: argparse.Namespace) -> Backend:
    """The backend that a command line names, for its --model."""
    return Backend(
        model=args.model,
        base_url=args.base_url,
        api_key=args.api_key,
        local=args.backend == "hf",
        num_gpus=args.num_gpus,
        parallel=args.parallel,
        max_model_length=args.max_model_length,
    )
