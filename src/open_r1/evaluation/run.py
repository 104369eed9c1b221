"""Tasks asked to their end: what evaluation and distillation have in common."""

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import urlparse

import inspect_ai
from inspect_ai import Task

from open_r1.evaluation.backend_flags import Backend, backend_of
from open_r1.evaluation.backends import open_model
from open_r1.evaluation.tasks import prepared
from open_r1.private import private_files


def ask_all(
    tasks: list[Task],
    backend: Backend,
    folder: Path,
    limit: int | None = None,
    max_connections: int | None = None,
    silent: bool = False,
) -> list[Path]:
    """Ask every row of every task and return one log each, in `folder`/logs; rows that an earlier run answered stay.

    Logs hold every prompt and completion, and are their owner's alone.
    Raises RecipeError when the backend cannot run here, ServerError when a started server does not get ready.
    """
    for task in tasks:
        task.metadata |= {"model": backend.model}
    greedy = all(not task.config.temperature for task in tasks)
    # Inspect's trace, in the user's home folder, would quote the whole request of a row that fails.
    os.environ["INSPECT_TRACE_LEVEL"] = "CRITICAL"
    folder.mkdir(parents=True, exist_ok=True)  # with the user's mode: results without any text come to lie in it
    with private_files(), open_model(backend, greedy, folder / "server.log") as model:
        _, logs = inspect_ai.eval_set(
            tasks,
            log_dir=str(folder / "logs"),
            model=model,
            limit=limit,
            max_connections=max_connections or (32 if backend.local else 256),
            # One benchmark after the other, each with all connections.
            max_tasks=1,
            # A row that fails costs its own point and no more; the same command asks it again.
            fail_on_error=True,
            continue_on_fail=True,
            retry_attempts=0,
            # Long enough for a server to be restarted; connection errors are repeated until then.
            timeout=1800,
            # Other benchmarks and settings may lie in the same folder.
            log_dir_allow_dirty=True,
            retry_cleanup=True,
            # The report says how many failed and why; Inspect would print every failed request in full.
            log_level="error",
            display="none" if silent else "rich" if sys.stdout.isatty() else "plain",
            ctl_server=False,
            acp_server=False,
            # Finished rows are in the log either way; showing running ones costs a tenth of the harness's speed.
            log_realtime=False,
        )
    return [Path(urlparse(log.location).path) for log in logs]


def ask_prepared(args: argparse.Namespace, folder: Path) -> Path:
    """Have --model answer every question of the prepared folder --data, --samples times each; the log. Raises as `ask_all`."""
    task = prepared(
        folder=str(args.data),
        split=args.split,
        k=args.samples,
        seed=args.seed,
        system_prompt=args.system_prompt,
        temperature=args.temperature,
        top_p=args.top_p,
        max_tokens=args.max_tokens,
        prompt=args.prompt,
    )
    print(f"{task.metadata['told']} {args.samples} completions each by {args.model}", flush=True)
    (log,) = ask_all([task], backend_of(args), folder, args.limit, args.max_connections)
    return log
