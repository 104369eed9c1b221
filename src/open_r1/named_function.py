"""A user's own function, named in a recipe by its dotted path."""

import importlib
import os
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType


def named_function(path: str, folder: Path) -> Callable:
    """The function at `my_module.my_function`, looked for in `folder`, the recipe's, and then among installed packages.

    Raises ValueError when it cannot be imported or is none.
    """
    module_name, _, function_name = path.rpartition(".")
    if not module_name:
        raise ValueError(f"`{path}` is no dotted path of a function, like my_module.my_function.")
    try:
        function = getattr(_module(module_name, folder), function_name)
    except Exception as error:  # a user's module may raise anything when it is imported
        raise ValueError(f"`{path}` cannot be imported: {type(error).__name__}: {error}.") from error
    if not callable(function):
        raise ValueError(f"`{path}` is no function, but {function!r:.60}.")
    return function


def _module(name: str, folder: Path) -> ModuleType:
    """A module of the recipe's folder or an installed one (PYTHONPATH counts), but none that merely lies where the run starts.

    Raises ImportError.
    """
    here, top = str(folder.resolve()), name.partition(".")[0]
    if PathFinder.find_spec(top, [here]) is not None:
        # In front, as with `python -m`: a user's `rewards.py` is meant, whatever else has that name.
        if here not in sys.path:
            sys.path.insert(0, here)
        return importlib.import_module(name)
    named = {str(Path(entry).resolve()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry}
    elsewhere = [
        entry for entry in sys.path if Path(entry).resolve() != Path.cwd() or str(Path(entry).resolve()) in named
    ]
    if top not in sys.modules and PathFinder.find_spec(top, elsewhere) is None and top not in sys.builtin_module_names:
        raise ModuleNotFoundError(f"no module {top} in the recipe's folder {here} or among the installed packages")
    return importlib.import_module(name)
