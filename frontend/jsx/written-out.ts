import { shown } from "@/lib/visible-text";

type Props = Record<string, unknown>;

/** What a browser shows or reads out of an element besides what stands in it. */
const SAID = ["title", "alt", "placeholder", "aria-label", "aria-description", "aria-valuetext"] as const;

/** The props of a new element, with all text that people will read of it as they may trust it. Values of fields, addresses
 * and what components hand to each other stay as they are. */
export function writtenOut(type: unknown, props: Props): Props {
  const children = texts(props.children);
  if (children !== props.children) props = { ...props, children };
  if (typeof type !== "string") return props;
  for (const name of SAID) {
    const given = props[name];
    if (typeof given !== "string") continue;
    const safe = shown(given);
    if (safe !== given) props = { ...props, [name]: safe };
  }
  return props;
}

function texts(given: unknown): unknown {
  if (typeof given === "string") return shown(given);
  if (!Array.isArray(given)) return given;
  let safe: unknown[] | null = null;
  given.forEach((one, at) => {
    const text = texts(one);
    if (text === one) return;
    safe ??= given.slice();
    safe[at] = text;
  });
  return safe ?? given;
}
