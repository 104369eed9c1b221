"""MedXpertQA MM, the rows with images: the same loader as MedXpertQA Text, under a name of its own."""

from functools import partial

from open_r1.questions import medxpertqa

SPLITS, EVALUATION_SPLITS = medxpertqa.SPLITS, medxpertqa.EVALUATION_SPLITS
HUB, REVISION = medxpertqa.HUB, medxpertqa.REVISION

find = partial(medxpertqa.find, subset="MM")
load = partial(medxpertqa.load, subset="MM")
load_hub = partial(medxpertqa.load_hub, subset="MM")
