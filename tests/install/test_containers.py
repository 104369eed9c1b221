"""What the container files name, held against the repository."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "containers/Dockerfile").read_text()
DEFINITION = (ROOT / "containers/open-medical-r1.def").read_text()


def test_both_install_as_make_does():
    makefile = (ROOT / "Makefile").read_text()
    for text in (DOCKERFILE, DEFINITION):
        command = re.search(r"^\s*make install (.*?)\s*(\\|)$", text, re.MULTILINE)[1]
        for variable in re.findall(r"(\w+)=", command):
            assert re.search(rf"\b{variable}\b", makefile), variable


def test_the_definition_copies_all_that_an_installation_takes():
    section = re.search(r"^%files\n(.*?)\n\n", DEFINITION, re.MULTILINE | re.DOTALL)[1]
    copied = {line.split()[0] for line in section.splitlines()}
    assert all((ROOT / path).exists() for path in copied)
    assert {"Makefile", "setup.py", "README.md", "requirements", "scripts", "src"} <= copied


def test_the_image_leaves_out_what_is_not_the_projects():
    ignored = set((ROOT / ".dockerignore").read_text().split())
    own = {
        line.strip("/")
        for line in (ROOT / ".gitignore").read_text().split()
        if line in ("/data/", "/runs/", "/wheelhouse/")
    }
    assert own | {".git", ".venv", "assets"} <= ignored
