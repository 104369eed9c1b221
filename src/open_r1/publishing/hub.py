"""One repository and revision of the hub: checked before a run, pushed to at saves and at the end.

The trainers' own push would upload the whole run folder, with completions and logs that hold benchmark questions and with the
weights of the vLLM sync; this one uploads what a model needs, its card, its recipe and the manifest of its data.
"""

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
from transformers import TrainingArguments

from open_r1.arguments import DataArguments, RecipeError
from open_r1.hub_access import HUB_ERRORS
from open_r1.publishing.card import CARD, RECIPE
from open_r1.questions.manifest import DATA_MANIFESTS

PUBLISHED = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "adapter_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "preprocessor_config.json",
    "processor_config.json",
    CARD,
    RECIPE,
    DATA_MANIFESTS,
]
ERRORS = (*HUB_ERRORS, LocalTokenNotFoundError)


@dataclass(frozen=True)
class Hub:
    """Where a model goes: `repo` is ORG/NAME, `revision` a branch."""

    repo: str
    revision: str = "main"
    token: str | None = None
    private: bool | None = None
    overwrite: bool = False

    @classmethod
    def of(cls, script_args: DataArguments, training_args: TrainingArguments) -> "Hub | None":
        """Where a recipe publishes to, or None when it does not."""
        if not (training_args.push_to_hub or script_args.push_to_hub_revision):
            return None
        return cls(
            repo=training_args.hub_model_id or Path(training_args.output_dir).absolute().name,
            revision=training_args.hub_revision or "main",
            token=training_args.hub_token,
            private=training_args.hub_private_repo,
            overwrite=script_args.overwrite_hub_revision,
        )

    def prepare(self, resumes: bool = False) -> "Hub":
        """Make the repository where it is not there; returns the hub with the repository's whole name.

        Raises RecipeError when the hub does not answer or refuses, or when the revision is there and neither `overwrite` nor
        `resumes` says that it may be written.
        """
        api = HfApi(token=self.token)
        try:
            repo = api.create_repo(self.repo, private=self.private, exist_ok=True).repo_id
            known = {branch.name for branch in api.list_repo_refs(repo).branches}
        except ERRORS as error:
            raise RecipeError(self._told(error)) from None
        if self.revision in known - {"main"} and not (self.overwrite or resumes):
            raise RecipeError(
                f"hub_revision: {repo} already has a revision {self.revision}. Name another, or set "
                "`overwrite_hub_revision: true`."
            )
        return Hub(repo, self.revision, self.token, self.private, self.overwrite)

    def push(self, folder: Path, message: str, revision: str | None = None) -> str:
        """Upload a folder's model; returns the commit's address. Raises RecipeError when the hub refuses."""
        api, revision = HfApi(token=self.token), revision or self.revision
        try:
            if revision != "main":
                api.create_branch(self.repo, branch=revision, exist_ok=True)
            done = api.upload_folder(
                repo_id=self.repo,
                folder_path=folder,
                revision=revision,
                commit_message=message,
                allow_patterns=PUBLISHED,
                ignore_patterns=["*/*"],
            )
        except ERRORS as error:
            raise RecipeError(
                f"{self._told(error)} The model lies in {folder}: `python scripts/publish.py {folder} --hub_model_id {self.repo} "
                f"--hub_revision {revision}` publishes it."
            ) from None
        return done.commit_url

    def _told(self, error: Exception) -> str:
        first = str(error).strip().splitlines()[0]
        if isinstance(error, HfHubHTTPError) and error.server_message:
            first += f": {error.server_message}."
        return (
            f"push_to_hub: {constants.ENDPOINT} does not take {self.repo}: {first} Log in with `hf auth login`, check "
            "`hub_model_id` (ORG/NAME), or set `push_to_hub: false`."
        )
