"""Secrets planted in every place where users put them, and looked for in everything that a run leaves or says."""

from open_r1 import faults

PLANTED = {
    "HF_TOKEN": "hf_PlantedHubTokenInTheEnvironment",
    "WANDB_API_KEY": "PlantedWandbKey0123456789",
    "OPEN_R1_ROLLOUT_TOKEN": "PlantedRolloutToken0123456789",
}
IN_THE_RECIPE = {"hub_token": "hf_PlantedHubTokenInTheRecipe", "vllm_server_token": "PlantedServerTokenInTheRecipe"}


def found_in(run) -> list[str]:
    """The files of a run, its log among them, that hold a planted secret; the recipe itself is the user's own."""
    secrets = [value.encode() for value in (*PLANTED.values(), *IN_THE_RECIPE.values(), "PlantedInEnv0123456789")]
    files = [run.log, *(path for path in run.output.rglob("*") if path.is_file())]
    assert len(files) > 10 or run.code
    return [str(path) for path in files if any(secret in path.read_bytes() for secret in secrets)]


def test_no_secret_is_in_the_log_the_run_folder_or_its_checkpoints(start):
    run = start("grpo", process=PLANTED, env={"MY_API_KEY": "PlantedInEnv0123456789"}, **IN_THE_RECIPE, max_steps=2)
    assert run.code == 0, run.said[-3000:]
    assert found_in(run) == []


def test_no_secret_is_in_an_error_that_quotes_it(start, tmp_path):
    (tmp_path / "leaky.py").write_text(
        "import os\n\n\ndef leak(completions, **kwargs):\n    raise ValueError('refused: ' + os.environ['WANDB_API_KEY'])\n"
    )
    run = start("grpo", process=PLANTED, reward_funcs=["leaky.leak"], reward_args=None)
    assert run.code == faults.FAULT and "refused: <WANDB_API_KEY>" in run.said
    assert found_in(run) == []
