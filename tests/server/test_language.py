"""Chinese first: no string of the pages is without a translation."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.utils import translation

import server
from server import words
from server.audit.rules import Verb
from server.cases.rules import State
from server.city.rules import STATUS_TO_STATE, HandoverKind, HandoverState
from server.review.rules import ANSWERS, REASONS

LOCALE = Path(server.__file__).parent / "locale"
PO = LOCALE / "zh_Hans" / "LC_MESSAGES" / "django.po"
MESSAGE = re.compile(r'^(?:msgctxt "(.*)"\n)?msgid ((?:".*"\n)+)', re.MULTILINE)
MARKED = re.compile(r"""{% translate (["'])(.+?)\1(?: context ["'](.+?)["'])?""")
BLOCK = re.compile(r"{% blocktranslate[^%]*%}(.*?){% endblocktranslate %}")
CALLS = ("_", "gettext_lazy", "pgettext", "pgettext_lazy")
Said = set[tuple[str, str]]
"""Context, "" where there is none, and message."""


@pytest.fixture(scope="module")
def said_by_pages() -> Said:
    """What the templates say."""
    pages = "".join(path.read_text(encoding="utf-8") for path in (LOCALE.parent / "templates").rglob("*.*"))
    singular = (block.split("{% plural %}")[0] for block in BLOCK.findall(pages))
    blocks = {("", re.sub(r"{{ (\w+) }}", r"%(\1)s", block)) for block in singular}
    return {(context, words) for _, words, context in MARKED.findall(pages)} | blocks


@pytest.fixture(scope="module")
def said_by_code() -> Said:
    """What the code says."""
    calls = [
        node
        for path in LOCALE.parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS
    ]
    found = [tuple(ast.literal_eval(argument) for argument in call.args) for call in calls]
    return {(each[0] if len(each) == 2 else "", each[-1]) for each in found}


def untranslated(said: Said, chinese: gettext.GNUTranslations) -> Said:
    return {each for each in said if (chinese.pgettext(*each) if each[0] else chinese.gettext(each[1])) == each[1]}


def test_no_translation_is_empty_or_fuzzy() -> None:
    text = PO.read_text(encoding="utf-8")
    assert "#, fuzzy" not in text
    assert not re.findall(r'msgid "[^"]+"\nmsgstr ""\n(?!")', text)


@pytest.fixture(scope="module")
def chinese() -> gettext.GNUTranslations:
    """The compiled file."""
    with PO.with_suffix(".mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def test_every_string_of_the_templates_is_in_the_compiled_file(said_by_pages: Said, chinese: gettext.GNUTranslations) -> None:  # fmt: skip
    assert len(said_by_pages) > 50
    assert not untranslated(said_by_pages, chinese)


def test_every_string_of_the_code_is_in_the_compiled_file(said_by_code: Said, chinese: gettext.GNUTranslations) -> None:
    assert len(said_by_code) > 60
    assert not untranslated(said_by_code, chinese)


def test_nothing_is_translated_that_nobody_says(said_by_pages: Said, said_by_code: Said) -> None:
    found = MESSAGE.findall(PO.read_text(encoding="utf-8"))
    messages = {(context, "".join(ast.literal_eval(line) for line in lines.splitlines())) for context, lines in found}
    assert messages - said_by_pages - said_by_code == {("", "")}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_whatever_the_code_may_write_has_words(language: str) -> None:
    detail = {
        "old": State.QUEUED,
        "new": State.CONFIRMED,
        "answer": "reject",
        "reason": 2,
        "status": "fixed",
        "merged": 12,
    }
    told = {verb: detail | {"counted": False, "applied": False} for verb in Verb}
    told[Verb.VERDICT] |= {"old": "small_ads", "new": "waste_pile"}
    told[Verb.CASE_MERGED]["merged"], told[Verb.CASE_SPLIT]["new"] = 2, 3
    with translation.override(language):
        lines = [
            *(words.happened(verb, each) for verb, each in told.items()),
            *(words.state_name(state) for state in State),
            *(words.handover_name(kind) for kind in HandoverKind),
            *(words.handover_state_name(state) for state in HandoverState),
            *(words.city_status_name(status) for status in STATUS_TO_STATE),
            *(words.answer_name(answer) for answer in ANSWERS),
            *(words.answer_name("reject", reason) for reason in REASONS),
        ]
    raw = {*Verb, *HandoverKind, "handed_over", "set_aside"}
    assert all(lines)
    assert not raw & set(lines)
    assert not any("_" in line for line in lines)
    if language == "zh-hans":
        assert not [line for line in lines if re.search("[a-z]", line)]


ONE_WORD = {
    "搁置": "初筛排除",
    "测试卡": "标准卡",
    "精确率": "准确率",
    "移交目标": "接收方",
    "目的地": "接收方",
    "账户": "账号",
    "姓名": "用户名",
}
"""Words that stood beside another one for the same thing, and the one that is used."""


def test_one_thing_has_one_word_in_chinese() -> None:
    told = "".join(re.findall(r'^(?:msgstr )?"(.*)"$', PO.read_text(encoding="utf-8"), re.MULTILINE))
    assert not {word: better for word, better in ONE_WORD.items() if word in told}


def test_every_deed_that_is_recorded_comes_from_the_table() -> None:
    """`record` takes a Verb and nothing else; the type checker sees to it, and this to those who do not run it."""
    calls = [
        ast.unparse(node.args[0])
        for path in LOCALE.parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "record"
    ]
    assert len(calls) > 8
    assert all(call.startswith("Verb.") or call == "verb" for call in calls)
