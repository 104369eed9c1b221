"""A user's own function, named in a recipe by its dotted path."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path


def named_function(path: str) -> Callable:
    """The function at `my_module.my_function`; raises ValueError when it cannot be imported or is none."""
    module_name, _, function_name = path.rpartition(".")
    if not module_name:
        raise ValueError(f"`{path}` is no dotted path of a function, like my_module.my_function.")
    # As with `python -m` and TRL: a user's module lies in the folder the run is started from.
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"`{path}` cannot be imported: {error}.") from error
    if not callable(function):
        raise ValueError(f"`{path}` is a {type(function).__name__}, not a function.")
    return function
