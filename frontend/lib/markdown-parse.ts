/** Markdown to tokens, by `marked`'s lexer (GFM). Never to HTML: what looks like HTML stays text. Knows no React. */

import { Lexer, type MarkedToken, type Token } from "marked";

export type { MarkedToken, Tokens } from "marked";

/** Line breaks are kept (`breaks`): models write poems and addresses without the two spaces that Markdown asks for. */
const OPTIONS = { gfm: true, breaks: true } as const;

/** `marked` types tokens of extensions as `Generic`; we load none. */
function known(tokens: Token[]): MarkedToken[] {
  return tokens as MarkedToken[];
}

export function parseBlocks(source: string): MarkedToken[] {
  return known(new Lexer(OPTIONS).lex(source));
}

export function parseInline(source: string): MarkedToken[] {
  return known(new Lexer(OPTIONS).inlineTokens(source));
}

export function childrenOf(token: MarkedToken): MarkedToken[] {
  return "tokens" in token && token.tokens !== undefined ? known(token.tokens) : [];
}

const NAMED: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  hellip: "…",
  mdash: "—",
  ndash: "–",
  copy: "©",
  times: "×",
  deg: "°",
  euro: "€",
  rarr: "→",
  larr: "←",
  le: "≤",
  ge: "≥",
  ne: "≠",
  bull: "•",
};

/** Character references become characters; unknown ones stay as they are. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function parsed(href: string): URL | null {
  try {
    return new URL(href);
  } catch {
    return null;
  }
}

const FOLLOWED = new Set(["http:", "https:", "mailto:"]);

/**
 * The address of a link if it is one that may be followed from here: whole, to the web or a mailbox. What has no scheme
 * leads nowhere, since a model does not know this page; and a browser reads `java\nscript:` as it reads `javascript:`,
 * so it is its own parser that says what the scheme is.
 */
export function safeHref(href: string): string | null {
  const url = parsed(href);
  return url !== null && FOLLOWED.has(url.protocol) ? url.href : null;
}

/** Where a link leads, in a word: its host as the network knows it, or the mailbox. */
export function targetOf(href: string): string {
  const url = parsed(href);
  if (url === null) return "";
  return url.protocol === "mailto:" ? url.pathname : url.host;
}

export type Align = "left" | "right" | "center" | null;

/** The cells of one row of a table; `\|` does not part cells. */
export function splitRow(line: string): string[] {
  const cells = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "")
    .split(/(?<!\\)\|/);
  return cells.map((cell) => cell.trim().replaceAll("\\|", "|"));
}

export function tableAligns(delimiterRow: string): Align[] {
  return splitRow(delimiterRow).map((cell) => {
    const left = cell.startsWith(":");
    const right = cell.endsWith(":");
    return left && right ? "center" : right ? "right" : left ? "left" : null;
  });
}
