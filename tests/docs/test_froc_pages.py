"""The pages about detection say what is so."""

import re
from pathlib import Path

from gyrus.config import FrocConfig

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "froc.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_runs():
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(block, {})


def test_every_option_is_explained_and_every_default_is_right():
    told = {}
    for names, default in re.findall(r"^\| (`--.*?) \| (.*?) \|", PAGE, flags=re.MULTILINE):
        options = re.findall(r"--([a-z-]+)", names)
        told.update(zip(options, default.split(", ") if len(options) > 1 else [default], strict=True))
    fields = {name.replace("_", "-"): f.default for name, f in FrocConfig.__dataclass_fields__.items()}
    fields = {name: default for name, default in fields.items() if name not in ("predictions", "truth")}
    assert set(told) == set(fields)
    for name, default in fields.items():
        words = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
        if default not in (None, False):
            assert told[name].strip("`") == words, name


def test_links_lead_somewhere():
    for page in ("reference/froc.md", "concepts/detection.md"):
        path = ROOT / "docs" / page
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), (page, target)
