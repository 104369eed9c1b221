"""An adapter merged into its base: one folder of whole weights that transformers and vLLM load.

    python scripts/merge_adapter.py data/gemma-3-12b-it-lora-GRPO --output_dir data/gemma-3-12b-it-GRPO

Reads the base that the adapter names (a hub name, or a folder), or --base. For an adapter trained on a 4-bit base
(QLoRA) add --load_in_4bit: it then is merged into the dequantised weights that it was trained on, not into others. Compares the
log-probs of both models on a sentence and prints the largest difference: rounding, 1e-6 in float32, some 1e-2 in bfloat16.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from open_r1.arguments import RecipeError
from open_r1.questions import DataError


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter", type=Path, help="a folder with adapter_config.json: a run's or a checkpoint's")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--base", help="instead of the base that the adapter names")
    parser.add_argument("--dtype", default="auto", choices=["auto", "bfloat16", "float16", "float32"])
    parser.add_argument("--load_in_4bit", action="store_true", help="the adapter was trained on a 4-bit base")
    parser.add_argument("--bnb_4bit_quant_type", default="nf4", choices=["nf4", "fp4"], help="as in its recipe")
    parser.add_argument("--use_bnb_nested_quant", action="store_true", help="as in its recipe")
    parser.add_argument("--overwrite", action="store_true")
    args = parser.parse_args(argv)
    try:
        # Imported here: a mistake on the command line should not wait for torch.
        from open_r1.merging import merge_adapter

        difference = merge_adapter(
            args.adapter,
            args.output_dir,
            base=args.base,
            dtype=args.dtype,
            four_bit=args.bnb_4bit_quant_type if args.load_in_4bit else None,
            nested=args.use_bnb_nested_quant,
            overwrite=args.overwrite,
        )
    except (RecipeError, DataError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"merged model in {args.output_dir}; largest log-prob difference to the adapter's model: {difference:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
