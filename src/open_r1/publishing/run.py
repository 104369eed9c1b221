"""What grpo.py and sft.py call: a run's recipe kept, its saves published and evaluated, its end published with a card."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml
from trl import ModelConfig

from open_r1.arguments import DataArguments
from open_r1.publishing.callbacks import Benchmarks, OnSave
from open_r1.publishing.card import RECIPE, recipe_of, write_card
from open_r1.publishing.hub import Hub


@dataclass
class Publishing:
    """Where a run's models go and what they are evaluated on; `hub` and `benchmarks` are None where the recipe has none."""

    folder: Path
    recipe: dict
    hub: Hub | None
    benchmarks: Benchmarks | None
    on_save: OnSave
    tell: Callable[[str], None]
    first: bool

    @classmethod
    def of(
        cls,
        script_args: DataArguments,
        training_args,
        model_args: ModelConfig,
        resumes: bool,
        tell: Callable[[str], None],
    ) -> "Publishing":
        """Checked before anything is loaded. Raises RecipeError for a hub or device that will not take what is asked."""
        first = training_args.process_index == 0
        recipe = recipe_of(script_args, training_args, model_args)
        hub = Hub.of(script_args, training_args)
        if hub is not None and first:
            hub = hub.prepare(resumes)
            tell(f"publishing to {hub.repo}, revision {hub.revision}")
        # The trainer's own push would upload the whole run folder.
        training_args.push_to_hub = False
        benchmarks = Benchmarks(script_args, training_args, tell) if script_args.benchmarks else None
        on_save = OnSave(script_args, training_args, hub, benchmarks, tell)
        return cls(Path(training_args.output_dir), recipe, hub, benchmarks, on_save, tell, first)

    def start(self) -> None:
        """Keep the recipe in the run folder."""
        if self.first:
            self.folder.mkdir(parents=True, exist_ok=True)
            text = yaml.safe_dump(self.recipe, sort_keys=False, allow_unicode=True)
            (self.folder / RECIPE).write_text(text, encoding="utf-8")

    def finish(self) -> None:
        """Evaluate the final model, write its card and publish it; the other processes may have ended."""
        if not self.first:
            return
        if self.benchmarks is not None:
            self.benchmarks.start(self.folder, "final", ended=True)
            self.benchmarks.wait()
        write_card(self.folder)
        if self.hub is not None:
            self.tell(f"published: {self.hub.push(self.folder, 'end of training')}")
