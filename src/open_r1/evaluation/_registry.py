"""What Inspect finds by the entry point `inspect_ai`: `open_r1/NAME` for every task and scorer."""

from open_r1.evaluation.asking import ask, huatuo, judge
from open_r1.evaluation.tasks import (
    gpqa_medical,
    medcalc,
    medmcqa,
    medqa_usmle,
    medxpertqa,
    mmlu_pro_medical,
    prepared,
    pubmedqa,
)

__all__ = [
    "ask",
    "gpqa_medical",
    "huatuo",
    "judge",
    "medcalc",
    "medmcqa",
    "medqa_usmle",
    "medxpertqa",
    "mmlu_pro_medical",
    "prepared",
    "pubmedqa",
]
