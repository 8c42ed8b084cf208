"""The page of every check of the conformance kit, from its docstrings."""

from __future__ import annotations

from docs.generate.tables import NOTE, table
from pixelgen.testing import checks_of
from pixelgen.testing.contract import KINDS

HEAD = """# What a plugin is held to

`pixelgen plugins check NAME` tries each of the checks below on a plugin. So does one line in the
plugin's own tests, which makes a test of each:

```python
from pixelgen.testing import parametrize_with_checks


@parametrize_with_checks("multinomial")
def test_conformance(check):
    check()
```

The name is a registered plugin's; or an entry point's or a distribution's, for all that it
registers. The plugins that come with pixelgen pass every check, and each check is proven by plugins
that are broken on purpose. If a plugin cannot pass one, say so with the reason, and that is checked
as well: `expected_failures={"check_loss_falls": "it counts, and does not learn by steps"}` fails
once the check passes.

A source is given a small folder of pictures, unless it is given a place of its own, as one of a
file or a database must be: `parametrize_with_checks("my-source", location="tests/small.db")`, or on
the command line `--location tests/small.db`. `options=` and `-o` set a plugin's options, `device=`
and `--device` where a tokenizer or a model is made.
"""
WORDS = {
    "plugin": "Entry points: import, hooks, commands, events",
    **{kind: f"{kind.capitalize()}s" for kind in KINDS if kind != "plugin"},
}


def page() -> str:
    """Return the page, in Markdown."""
    parts = [NOTE, HEAD]
    for kind in KINDS:
        checks = checks_of(kind)
        rows = [(f"`{each.name}`", _text(each.contract), _text(each.remedy)) for each in checks]
        parts.append(f"## {WORDS[kind]}\n\n{len(checks)} checks.\n")
        parts.append(table(("check", "the contract", "what to do if it fails"), rows))
    return "\n".join(parts)


def _text(sentence: str) -> str:
    """A docstring's sentence with a capital, and a full stop."""
    return sentence[:1].upper() + sentence[1:].rstrip(".") + "."
