/**
 * Characters that turn the direction of the text around them without being seen, and such as nobody sees at all, written
 * out where people read: `⟦U+202E⟧`. `jsx/` does so with all that becomes an element. See `docs/validation.md`.
 */

const FLAG = "\u{1f3f4}";
const DECEIVES =
  /\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{1,6}\u{e007f}|[\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}]+/gu;
const ANY = /[\u202a-\u202e\u2066-\u2069\udb40]/;

/** `text` as people may trust it at a glance. Cheap where there is nothing to write out. */
export function shown(text: string): string {
  if (!ANY.test(text)) return text;
  return text.replace(DECEIVES, (found) => {
    if (found.startsWith(FLAG)) return found;
    const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase();
    const count = Array.from(found).length;
    return count > 1 ? `⟦U+${code} and ${count - 1} more⟧` : `⟦U+${code}⟧`;
  });
}
