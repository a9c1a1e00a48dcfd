/** Which of the eight agent colours a role has: the same everywhere and always. Pure. */

const FIXED: Readonly<Record<string, number>> = {
  manager: 1,
  researcher: 2,
  analyst: 3,
  writer: 4,
  coder: 5,
  critic: 6,
  // Who writes memories beside them: the person at the page.
  user: 8,
};
const COLOURS = 8;

/** 1 to 8; a role that is not shipped gets one by its name (FNV-1a). */
export function agentColour(role: string): number {
  const fixed = FIXED[role];
  if (fixed !== undefined) return fixed;
  let hash = 0x811c9dc5;
  for (let at = 0; at < role.length; at++) hash = Math.imul(hash ^ role.charCodeAt(at), 0x01000193);
  return ((hash >>> 0) % COLOURS) + 1;
}

/** As CSS. */
export function agentColourVar(role: string): string {
  return `var(--agent-${agentColour(role)})`;
}
