"""What mkdocs does for `make docs` beyond its plugins: pages that lie outside docs/, and the notebook as a page.

mkdocs.yml names this file as a hook. Links are written as they work in the repository (`../recipes/README.md`); here they are
turned to the place that the page has in the site. Nothing is fetched.
"""

import posixpath
import re
from pathlib import Path

import nbformat
from mkdocs.structure.files import File
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = ("recipes/README.md", "benchmarks/results/*.md", "benchmarks/results/*.png")
"""Pages outside docs/, and their pictures, that are part of the site at the same path."""
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s]+)(?=\))")


def on_files(files, config):
    """Add what is OUTSIDE, and each notebook as a page with its pictures beside it."""
    for path in sorted(path for pattern in OUTSIDE for path in ROOT.glob(pattern)):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.remove(file)
        name = file.src_uri.removesuffix(".ipynb")
        text, resources = MarkdownExporter().from_notebook_node(nbformat.read(file.abs_src_path, as_version=4))
        for picture, data in resources["outputs"].items():
            text = text.replace(f"({picture})", f"({posixpath.basename(name)}_{picture})")
            files.append(File.generated(config, f"{name}_{picture}", content=data))
        files.append(File.generated(config, f"{name}.md", content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turn relative links of the repository into relative links of the site."""
    source = in_repository(page.file.src_uri)

    def turned(link: re.Match) -> str:
        path, mark, anchor = link[1].partition("#")
        if not path:
            return link[1]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        place = target.removeprefix("docs/").replace(".ipynb", ".md")
        return posixpath.relpath(place, posixpath.dirname(page.file.src_uri) or ".") + mark + anchor

    return LINK.sub(turned, markdown)


def in_repository(src_uri: str) -> str:
    """The path in the repository of what has this path in the site."""
    return src_uri if any(Path(src_uri).match(pattern) for pattern in OUTSIDE) else f"docs/{src_uri}"
