"""A folder with every package of an installation, to carry to a machine without internet.

The idea: a lock file says exactly which files may be installed. `fill` fetches those that one Python on one platform takes, builds
the few that have no wheel, and writes lock.txt (exactly what is there, with hashes), wheelhouse.json (for what it was made)
and SHA256SUMS. `check` says on the other side whether everything arrived and fits.

    make wheelhouse TARGET=cpu WHEELHOUSE=wheelhouse    # with internet
    make install OFFLINE=1 WHEELHOUSE=wheelhouse        # without
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK, ABOUT, SUMS = "lock.txt", "wheelhouse.json", "SHA256SUMS"
PIP = [sys.executable, "-m", "pip"]
OLDEST_MANYLINUX = 17


class KitError(Exception):
    """What is wrong with a wheelhouse, and what to do."""


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """The command line; `make wheelhouse` and `make install OFFLINE=1` pass their variables here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    fill = commands.add_parser("fill", help="fetch the packages of a lock file")
    fill.add_argument("folder", type=Path)
    fill.add_argument("--lock", type=Path, default=ROOT / "requirements/lock-cpu.txt")
    fill.add_argument("--python_version", default="3.11", help="of the machine that installs")
    fill.add_argument("--platform", default="manylinux_2_31_x86_64", help="its newest wheel tag: glibc 2.31 on x86_64")
    fill.add_argument("--torch_index", help="where PyTorch's CPU wheel is, for lock-cpu.txt")
    check = commands.add_parser("check", help="is a wheelhouse whole, and for this Python and this tree?")
    check.add_argument("folder", type=Path)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        fill(args) if args.command == "fill" else check(args.folder)
    except KitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def fill(args: argparse.Namespace) -> None:
    """Fetch what `args.lock` pins into the folder; files that are there already are kept. Raises KitError."""
    if not args.lock.is_file():
        locks = ", ".join(sorted(path.name for path in ROOT.glob("requirements/lock-*.txt")))
        raise KitError(f"{args.lock} is not there; requirements/ has {locks}: TARGET=cpu or TARGET=cuda")
    made_for = re.search(r"^#.*TARGET_PYTHON=([\d.]+)", args.lock.read_text(), re.MULTILINE)
    if made_for and made_for[1] != args.python_version:
        raise KitError(
            f"{args.lock} is for Python {made_for[1]}: packages ask for others on {args.python_version}. Run `make lock "
            f"TARGET_PYTHON={args.python_version}` first."
        )
    args.folder.mkdir(parents=True, exist_ok=True)
    (args.folder / SUMS).unlink(missing_ok=True)  # until it is written again the folder counts as unfinished

    # ---- fetch; pip compares each file with the hashes of the lock
    target = ["--implementation", "cp", "--python-version", args.python_version]
    for platform in compatible(args.platform):
        target += ["--platform", platform]
    index = ["--extra-index-url", args.torch_index] if args.torch_index else []
    run_pip("download", "--no-deps", "--require-hashes", *target, *index, "-r", args.lock, "-d", args.folder)

    # ---- build what has no wheel
    for source in [*args.folder.glob("*.tar.gz"), *args.folder.glob("*.zip")]:
        before = set(args.folder.glob("*.whl"))
        run_pip("wheel", "--no-deps", "-w", args.folder, source)
        for wheel in set(args.folder.glob("*.whl")) - before:
            if not wheel.name.endswith("-any.whl"):
                wheel.unlink()
                raise KitError(
                    f"{source.name} has no wheel for {args.platform}, and the one built here fits this machine alone: "
                    f"run this on a machine like the other one, with Python {args.python_version}"
                )
        source.unlink()

    # ---- what is there, and for what
    wheels = {path: sha256(path) for path in sorted(args.folder.glob("*.whl"))}
    pinned = pins(args.lock)
    for path in [path for path in wheels if distribution(path) not in pinned.items()]:  # of an older lock
        path.unlink()
        del wheels[path]
    if len({distribution(path) for path in wheels}) < len(wheels):
        raise KitError(f"{args.folder} holds files for several Pythons or platforms: empty it, or name another folder")
    missing = dict(pinned.items() - {distribution(path) for path in wheels})
    if missing:
        raise KitError(f"{args.lock} asks for {listed(missing)}, and no file of it was fetched")
    lines = ["{}=={} --hash=sha256:{}\n".format(*distribution(path), found) for path, found in wheels.items()]
    (args.folder / LOCK).write_text("".join(lines))
    about = {
        "lock": args.lock.name,
        "lock_sha256": sha256(args.lock),
        "python": args.python_version,
        "platform": args.platform,
        "bytes": sum(path.stat().st_size for path in wheels),
    }
    (args.folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n")
    wheels |= {path: sha256(path) for path in (args.folder / LOCK, args.folder / ABOUT)}
    (args.folder / SUMS).write_text("".join(f"{found}  {path.name}\n" for path, found in wheels.items()))
    print(f"{args.folder}: {len(lines)} packages, {about['bytes'] / 1e6:,.0f} MB, for Python {args.python_version}")
    print(f"carry it over; there: make install OFFLINE=1 WHEELHOUSE={args.folder}")


def check(folder: Path) -> None:
    """Raise KitError unless every file arrived as it was and the wheelhouse is for this Python and this tree's lock file."""
    if not (folder / SUMS).is_file():
        raise KitError(
            f"{folder} is no wheelhouse: it has no {SUMS}. Fill one with `make wheelhouse` on a machine with internet, "
            f"carry it over and name it: make install OFFLINE=1 WHEELHOUSE=folder"
        )
    expected = {
        name: found for found, _, name in (line.partition("  ") for line in (folder / SUMS).read_text().splitlines())
    }
    missing = [name for name in expected if not (folder / name).is_file()]
    damaged = [name for name in expected if name not in missing and sha256(folder / name) != expected[name]]
    if missing or damaged:
        said = [f"missing: {', '.join(missing)}"] * bool(missing) + [f"not as sent: {', '.join(damaged)}"] * bool(
            damaged
        )
        raise KitError(f"{folder}: {'; '.join(said)}. Copy these again from where `make wheelhouse` ran.")
    about = json.loads((folder / ABOUT).read_text())
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if about["python"] != here:
        raise KitError(
            f"{folder} is for Python {about['python']}, and this is {here}. Remove the virtual environment and add "
            f"PYTHON=python{about['python']}, or fill it again with TARGET_PYTHON={here}."
        )
    lock = ROOT / "requirements" / about["lock"]
    if sha256(lock) != about["lock_sha256"]:
        raise KitError(
            f"{folder} was filled from another {lock.name} than this tree's: run `make wheelhouse` again from this tree"
        )
    print(f"{folder}: {len(expected) - 2} packages as sent, for Python {here} ({about['lock']})")


def compatible(platform: str) -> list[str]:
    """A wheel tag and the older ones that its machine takes too: pip does not know that manylinux_2_31 includes 2_17."""
    found = re.fullmatch(r"manylinux_2_(\d+)_(\w+)", platform)
    if found is None:
        return [platform]
    newest, machine = int(found[1]), found[2]
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, OLDEST_MANYLINUX - 1, -1)]
    return [*tags, f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}", f"linux_{machine}"]


def pins(lock: Path) -> dict[str, str]:
    """The version of every package of a lock file, by normalised name."""
    return {
        normalised(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(), re.M)
    }


def distribution(wheel: Path) -> tuple[str, str]:
    """Name and version, from a wheel's file name."""
    name, version = wheel.name.split("-")[:2]
    return normalised(name), version


def normalised(name: str) -> str:
    """A package's name as the packaging specification compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def listed(versions: dict[str, str]) -> str:
    """Pins in one line."""
    return ", ".join(f"{name}=={version}" for name, version in sorted(versions.items()))


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_pip(*arguments) -> None:
    """pip, seen by the user; raises KitError when it fails, which has said why."""
    if subprocess.run([*PIP, *map(str, arguments)]).returncode:
        raise KitError("pip could not do that (above). The same command again keeps what was fetched.")


if __name__ == "__main__":
    sys.exit(main())
