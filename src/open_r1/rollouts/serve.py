"""A recipe's vLLM server alone, for training processes on other machines.

    export OPEN_R1_ROLLOUT_TOKEN=$(openssl rand -hex 32)      # the same on all machines
    python -m open_r1.rollouts.serve --config RECIPE --vllm_listen_host 0.0.0.0
    accelerate launch ... src/open_r1/grpo.py --config RECIPE --vllm_server_base_url http://THIS_HOST:8000

It serves the recipe's model with what weight sync needs, and ends with Ctrl-C. slurm/train.slurm does all of this.
"""

import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

from open_r1.arguments import ROLLOUT_TOKEN, RecipeError
from open_r1.recipes import load_recipe
from open_r1.rollouts.errors import ServerError
from open_r1.rollouts.server import VLLMServer
from open_r1.rollouts.settings import check_vllm_installed, check_weight_sync, server_settings
from open_r1.rollouts.topology import is_free

# A server has no training processes, so a recipe's batch need not be a whole number of groups here.
ANY_BATCH = ["--num_generations", "2", "--per_device_train_batch_size", "2", "--eval_strategy", "no"]


def main(argv: list[str]) -> int:
    """Serve a recipe's model until it dies (exit 1) or Ctrl-C (exit 0); 2 when it cannot start."""
    warnings.simplefilter("ignore", FutureWarning)  # TRL's own use of retired names
    try:
        (script_args, training_args, model_args), _ = load_recipe("grpo", argv + ANY_BATCH)
        check_vllm_installed()
        check_weight_sync(training_args)
        host, port = training_args.vllm_listen_host, training_args.vllm_server_port
        if not training_args.vllm_server_token:
            raise RecipeError(f"set {ROLLOUT_TOKEN} to a secret, the same here and for the training processes.")
        if not is_free(host, port):
            raise RecipeError(f"port {port} on {host} is taken. Give another with `--vllm_server_port`.")
        settings = server_settings(training_args, model_args, script_args.max_prompt_length, 0)
        server = VLLMServer(replace(settings, port=port), Path(training_args.output_dir) / "vllm_server.log")
        with server:
            server.wait_until_healthy(training_args.vllm_server_timeout, lambda text: print(text, flush=True))
            while server.alive:
                time.sleep(1.0)
            raise ServerError(f"the vLLM server died. {server.tail()}")
    except (RecipeError, ServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, RecipeError) else 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
