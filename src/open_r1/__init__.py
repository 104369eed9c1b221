"""open-medical-r1: GRPO with verifiable medical answers, one judge for training and evaluation."""

import os

__version__ = "0.1.0"

# Libraries read these when they are imported, so entry points import this package before them; processes that they start inherit
# them. Otherwise TRL reports every trainer to the hub, datasets every file it loads, vLLM every server, wandb its own errors.
NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "WANDB_ERROR_REPORTING": "false",
}
"""Nothing is reported to anybody by default; what the user set stays as it is."""

for _name, _value in NO_TELEMETRY.items():
    os.environ.setdefault(_name, _value)
