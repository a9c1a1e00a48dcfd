/** The parts of the page, and what each is called. */

export const PARTS = [
  { id: "components", label: "Components" },
  { id: "alerts", label: "Alerts" },
  { id: "errors", label: "Errors" },
  { id: "reports", label: "Reports" },
  { id: "tokens", label: "Tokens" },
] as const;

export type Part = (typeof PARTS)[number]["id"];

export function partOf(name: string | null): Part {
  return PARTS.find(({ id }) => id === name)?.id ?? "components";
}
