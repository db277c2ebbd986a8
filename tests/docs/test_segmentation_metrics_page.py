"""The page on the figures of masks: its code runs, its options and defaults are the real ones."""

import re
from pathlib import Path

from gyrus.config.mask_measuring import MaskMeasuringOptions

DOCS = Path(__file__).parents[2] / "docs"
PATH = DOCS / "reference" / "segmentation-metrics.md"
PAGE = PATH.read_text(encoding="utf-8")


def test_the_code_of_the_page_runs():
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(block, {})


def test_every_option_is_explained_and_every_default_is_right():
    told = dict(re.findall(r"^\| `--([a-z-]+)` \| (\S+) \|", PAGE, flags=re.MULTILINE))
    fields = MaskMeasuringOptions.__dataclass_fields__
    assert told == {name.replace("_", "-"): str(field.default) for name, field in fields.items()}


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (PATH.parent / target).exists(), target
