export const HAIKU: string;
export const HEATING: string;
export const RAINBOW: string;
export function longText(tokens: number, shape?: string): string;
