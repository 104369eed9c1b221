"""A trained or merged model to the hub, with its card: data, recipe, scores with intervals, intended use.

    python scripts/publish.py data/gemma-3-12b-it-GRPO --run data/gemma-3-12b-it-lora-GRPO --hub_model_id ORG/NAME --hub_revision v1

--run is the training run's folder where the model lies elsewhere (after scripts/merge_adapter.py). Results of `make evaluate
OUTPUT_DIR=RUN/evaluation/final` come onto the card. --card writes the card and publishes nothing.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.arguments import RecipeError
from open_r1.publishing.card import CARD, write_card
from open_r1.publishing.hub import Hub


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the model's folder")
    parser.add_argument("--run", type=Path, help="the run's folder (default: the same)")
    parser.add_argument("--hub_model_id", metavar="ORG/NAME")
    parser.add_argument("--hub_revision", default="main")
    parser.add_argument("--overwrite_hub_revision", action="store_true")
    parser.add_argument("--private", action="store_true", default=None)
    parser.add_argument("--card", action="store_true", help="write the card only")
    args = parser.parse_args(argv)
    try:
        if not any((args.folder / name).is_file() for name in ("config.json", "adapter_config.json")):
            raise RecipeError(f"{args.folder}: no model there, neither config.json nor adapter_config.json")
        if not args.card and not args.hub_model_id:
            raise RecipeError("--hub_model_id ORG/NAME says where to; --card only writes the card")
        hub = None
        if not args.card:
            hub = Hub(args.hub_model_id, args.hub_revision, None, args.private, args.overwrite_hub_revision).prepare()
        write_card(args.folder, args.run, (args.hub_model_id or args.folder.absolute().name).split("/")[-1])
        print(args.folder / CARD if hub is None else hub.push(args.folder, "model and card"))
    except RecipeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
