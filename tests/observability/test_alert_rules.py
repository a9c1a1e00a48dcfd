"""The rules that Alma brings, and what a user's file makes of them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alma.observability.alert_rules import METRICS, Rule, Rules, link_of, load, merged, shipped
from alma.observability.health_checks import NAMES
from serving import REPO

NONE = Rules(())


def rules_of(text: str) -> Rules:
    return merged(shipped().rules, text)


def rule_of(text: str, name: str) -> Rule:
    rules = rules_of(text)
    assert not rules.problems
    return next(rule for rule in rules.rules if rule.name == name)


def test_those_that_alma_brings_are_whole() -> None:
    rules = shipped()
    assert not rules.problems
    assert len(rules.rules) >= 10
    assert all(rule.hint and rule.summary and rule.metric in METRICS and not rule.own for rule in rules.rules)


def test_the_users_file_adds_changes_and_switches_off() -> None:
    text = """
        [disk_low]
        enabled = false

        [memory_high]
        above = 500
        severity = "critical"

        [mine]
        summary = "Too many connections"
        metric = "connections"
        above = 10
        channels = ["webhook"]
        """
    changed = rule_of(text, "memory_high")
    assert (changed.threshold, changed.clear, changed.severity, changed.own) == (500, 500, "critical", True)
    assert changed.summary == next(rule.summary for rule in shipped().rules if rule.name == "memory_high")
    assert rule_of(text, "mine").channels == ("webhook",)
    assert "disk_low" not in [rule.name for rule in rules_of(text).rules]


@pytest.mark.parametrize(
    ("table", "line", "field", "said"),
    [
        ('summary = "x"\nmetric = "nope"\nabove = 1', 3, "metric", "there is no metric 'nope'"),
        ('summary = "x"\nmetric = "rss"', 1, "above", "missing"),
        ('metric = "rss"\nabove = 1', 1, "summary", "missing"),
        ('summary = "x"\nmetric = "rss"\nabove = 1\nclear = 2', 5, "clear", "must not be above"),
        ('summary = "x"\nmetric = "rss"\nabove = 1\nbelow = 1', 5, "below", "not both"),
        ('summary = "x"\nmetric = "rss"\nabove = nan', 4, "above", "expected a number"),
        ('summary = "x"\nmetric = "rss"\nabove = "a lot"', 4, "above", "expected a number, got the text 'a lot'"),
        ('summary = 5\nmetric = "rss"\nabove = 1', 2, "summary", "expected a text in quotes, got the number 5"),
        ('summary = "x"\nmetric = "rss"\nabove = true', 4, "above", "expected a number, got true"),
        ('summary = "x"\nmetric = "rss"\nabove = 2026-01-01', 4, "above", "expected a number, got the time"),
        ('summary = "x"\nmetric = "rss"\nabove = 1\nseverity = "bad"', 5, "severity", "info, warning, critical"),
        ('summary = "x"\nmetric = "rss"\nabove = 1\nfor_s = -1', 5, "for_s", "0 to"),
        ('summary = "x"\nmetric = "rss"\nabove = 1\ncolour = "red"', 5, "colour", "no such field"),
        ('summary = "x"\nmetric = "rss"\nabove = 1\nchannels = ["pigeon"]', 5, "channels", "pigeon"),
    ],
)
def test_a_problem_is_said_with_line_and_field_and_the_rest_holds(table: str, line: int, field: str, said: str) -> None:
    rules = rules_of(f'[mine]\n{table}\n[other]\nsummary = "y"\nmetric = "rss"\nabove = 7\n')
    (problem,) = rules.problems
    assert (problem.rule, problem.line, problem.field) == ("mine", line, field)
    assert said in problem.message
    assert problem.whole == f"rule mine, line {line}, {field}: {problem.message}"
    assert [rule.name for rule in rules.rules][-1] == "other"
    assert [rule.name for rule in rules.rules][:-1] == [rule.name for rule in shipped().rules]


def test_all_mistakes_of_a_rule_are_said_at_once() -> None:
    rules = rules_of('[mine]\nmetric = "nope"\nabove = "a lot"\nfor_s = -1\ncolour = "red"\n')
    assert [(one.line, one.field) for one in rules.problems] == [
        (3, "above"),
        (5, "colour"),
        (2, "metric"),
        (4, "for_s"),
        (1, "summary"),
    ]


@pytest.mark.parametrize(
    ("metric", "link"),
    [
        ("error_group.new", "/?page=health&part=errors"),
        ("health.database", "/?page=health"),
        ("response_p95_ms", "/?page=dashboard"),
    ],
)
def test_a_rule_leads_to_what_it_is_about(metric: str, link: str) -> None:
    assert link_of(metric) == link


def test_a_shipped_rule_stays_as_it_was_where_the_change_is_wrong() -> None:
    rules = rules_of("[memory_high]\nabove = true\n")
    assert rules.problem_of("memory_high")
    kept = next(rule for rule in rules.rules if rule.name == "memory_high")
    assert not kept.own


def test_a_file_that_is_no_toml_leaves_the_rules_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    assert load(path, NONE) == shipped(), "it need not exist"
    path.write_text("[disk_low]\nenabled = false\n")
    before = load(path, NONE)
    path.write_text("[disk_low\nenabled = false\n")
    broken = load(path, before)
    assert broken.rules == before.rules
    (problem,) = broken.problems
    assert problem.line == 1
    assert problem.whole.startswith("line 1: It is not TOML: "), "and nothing of a rule"
    for broken in (b"\xff\xfe", b"[high]\nabove = " + b"1" * 5_000, b"a = " + b"[" * 100_000):
        path.write_bytes(broken)
        after = load(path, before)
        assert (after.rules, len(after.problems)) == (before.rules, 1)


def test_rules_and_checks_are_in_the_docs() -> None:
    rows = [line.split(" | ") for line in (REPO / "docs" / "operations.md").read_text().splitlines()]
    told = {row[0].strip("| `"): row for row in rows if len(row) > 3}
    for name in NAMES:
        assert name in told
    for rule in shipped().rules:
        _, severity, when, clear, summary = told[rule.name]
        assert (severity, clear, summary.strip(" |")) == (rule.severity, f"{rule.clear:g}", rule.summary)
        sign = ">" if rule.above else "<"
        said = f"`{rule.metric}` {sign} {rule.threshold:g}"
        said += f" over {rule.window_s:g} s" if rule.window_s else ""
        said += ("," if rule.window_s else "") + f" for {rule.for_s:g} s" if rule.for_s else ""
        assert when == said


@given(st.text(max_size=200) | st.from_regex(r"(\[[a-z]{1,3}\]\n|[a-z_]{1,8} = [a-z0-9\"\[\].-]{1,6}\n){0,6}"))
def test_no_file_makes_it_fail(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert {rule.name for rule in shipped().rules} - set(tomllib.loads(text)) <= {r.name for r in rules_of(text).rules}
