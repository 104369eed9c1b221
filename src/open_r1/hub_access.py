"""Why a repository of the hub cannot be read from here."""

import httpx2  # what huggingface_hub asks with
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

HUB_ERRORS = (HfHubHTTPError, OfflineModeIsEnabled, httpx2.HTTPError)


def hub_problem(error: Exception) -> tuple[str, str]:
    """How a sentence about the repository goes on, for one of HUB_ERRORS, and what to do."""
    if isinstance(error, GatedRepoError):
        return " is gated", "accept its terms on the hub, then `hf auth login`"
    if isinstance(error, RepositoryNotFoundError):
        return ": no such repository, or it is private", "check the name; `hf auth login` where it is private"
    if isinstance(error, RevisionNotFoundError):
        return ": no such revision", "check the revision"
    if isinstance(error, OfflineModeIsEnabled):
        return ": HF_HUB_OFFLINE is set", "unset it where there is a network"
    return (
        f": the hub does not answer ({type(error).__name__})",
        "check the network (HF_ENDPOINT, https_proxy), or name a local folder",
    )
