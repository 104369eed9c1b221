"""A wheelhouse filled by pip from a folder of packages, carried over, damaged, and installed from."""

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def pip(*arguments, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, env=os.environ | environment
    )


def write_wheel(folder, name, version, module):
    import os
    import zipfile

    file, about = f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(os.path.join(folder, file), "w") as wheel:
        wheel.writestr(f"{module}.py", "VALUE = 1\n")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return file


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A tree with a lock file of two packages, one of which has no wheel, and the folder they lie in."""
    tree = tmp_path_factory.mktemp("tree")
    packages = tree / "packages"
    for folder in (tree / "scripts", tree / "requirements", packages):
        folder.mkdir()
    shutil.copy(ROOT / "scripts/wheelhouse.py", tree / "scripts")
    write_wheel(packages, "Has.Wheel", "1.0", "has_wheel")
    source = tree / "source_only-2.0"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (source / "backend.py").write_text(f"""{inspect.getsource(write_wheel)}
def build_wheel(folder, settings=None, metadata=None):
    return write_wheel(folder, "source_only", "2.0", "source_only")
""")
    with tarfile.open(packages / "source_only-2.0.tar.gz", "w:gz") as archive:
        archive.add(source, source.name)
    hashes = {file.name[:3]: hashlib.sha256(file.read_bytes()).hexdigest() for file in packages.iterdir()}
    (tree / "requirements/lock-tiny.txt").write_text(
        f"# made by make lock TARGET_PYTHON={HERE}\nhas-wheel==1.0 \\\n    --hash=sha256:{hashes['Has']}\nsource-only==2.0 \\\n    --hash=sha256:{hashes['sou']}\n"
    )
    return tree


def run(tree, command, folder, *flags):
    return pip(
        tree / "scripts/wheelhouse.py", command, folder, *flags,
        PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tree / "packages"), PIP_CONFIG_FILE=os.devnull,
    )  # fmt: skip


@pytest.fixture(scope="module")
def filled(tree):
    done = run(tree, "fill", tree / "kit", "--lock", tree / "requirements/lock-tiny.txt", "--python_version", HERE)
    assert done.returncode == 0, done.stdout + done.stderr
    return tree / "kit"


@pytest.fixture
def kit(filled, tmp_path):
    """A copy that a test may harm."""
    return Path(shutil.copytree(filled, tmp_path / "carried"))


def test_what_was_filled_installs_without_an_index(tree, kit, tmp_path):
    assert sorted(path.name for path in kit.glob("*.whl")) == [
        "Has.Wheel-1.0-py3-none-any.whl",
        "source_only-2.0-py3-none-any.whl",
    ]
    checked = run(tree, "check", kit)
    assert checked.returncode == 0 and "2 packages as sent" in checked.stdout, checked.stderr
    install = ["-m", "pip", "install", "--no-index", "--no-deps", "--require-hashes", "--find-links", kit]
    done = pip(*install, "--target", tmp_path / "there", "-r", kit / "lock.txt", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there/has_wheel.py").exists() and (tmp_path / "there/source_only.py").exists()


def test_what_was_lost_or_damaged_is_named(tree, kit):
    (kit / "source_only-2.0-py3-none-any.whl").unlink()
    with (kit / "Has.Wheel-1.0-py3-none-any.whl").open("ab") as file:
        file.write(b"x")
    done = run(tree, "check", kit)
    assert done.returncode == 2
    assert "missing: source_only-2.0-py3-none-any.whl; not as sent: Has.Wheel-1.0-py3-none-any.whl" in done.stderr
    assert "Copy these again" in done.stderr


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("python", "3.99", f"is for Python 3.99, and this is {HERE}"),
        ("lock_sha256", "0", "from another lock-tiny.txt"),
    ],
)
def test_a_wheelhouse_for_something_else_is_refused(tree, kit, key, value, said):
    about = kit / "wheelhouse.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {key: value}))
    sums = [line for line in (kit / "SHA256SUMS").read_text().splitlines() if about.name not in line]
    (kit / "SHA256SUMS").write_text(
        "\n".join([*sums, f"{hashlib.sha256(about.read_bytes()).hexdigest()}  {about.name}\n"])
    )
    done = run(tree, "check", kit)
    assert done.returncode == 2 and said in done.stderr


def test_what_is_no_wheelhouse_says_how_to_get_one(tree, tmp_path):
    done = run(tree, "check", tmp_path)
    assert done.returncode == 2 and "Fill one with `make wheelhouse`" in done.stderr


def test_a_lock_file_for_another_python_is_refused(tree, tmp_path):
    lock = tree / "requirements/lock-tiny.txt"
    done = run(tree, "fill", tmp_path / "kit", "--lock", lock, "--python_version", "3.99")
    assert done.returncode == 2 and "`make lock TARGET_PYTHON=3.99` first" in done.stderr
    assert not (tmp_path / "kit").exists()


def test_a_file_that_is_not_the_locked_one_is_not_taken(tree, tmp_path):
    lock = tmp_path / "lock-other.txt"
    lock.write_text((tree / "requirements/lock-tiny.txt").read_text().replace("sha256:", "sha256:0000", 1)[:-5] + "\n")
    done = run(tree, "fill", tmp_path / "kit", "--lock", lock, "--python_version", HERE)
    assert done.returncode == 2 and not (tmp_path / "kit/SHA256SUMS").exists()
