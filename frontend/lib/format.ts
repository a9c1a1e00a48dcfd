/** Figures and times as people read them. Pure. */

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(value: number): string {
  return number.format(value);
}

export function rate(tokensPerSecond: number): string {
  return tokensPerSecond >= 100 ? number.format(tokensPerSecond) : tokensPerSecond.toFixed(1);
}

/** `84 ms`, `1.24 s`, `12.3 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** `0.4 s`, `3.1 s`, `12 s`, `2 min 5 s`: for times that run. */
export function shortDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `0 %`, `< 1 %`, `12 %` of a share from 0 to 1. */
export function percent(share: number): string {
  const value = share * 100;
  return value > 0 && value < 1 ? "< 1 %" : `${Math.round(value)} %`;
}

/** US dollars: `$0`, `$0.0042`, `$0.42`, `$12.30`, `$1,240`. Small sums keep two digits that count. */
export function money(dollars: number): string {
  if (dollars === 0) return "$0";
  if (dollars < 0.000_01) return "< $0.00001";
  if (dollars < 0.01) return `$${Number(dollars.toPrecision(2)).toFixed(6).replace(/0+$/, "")}`;
  return `$${dollars >= 1000 ? number.format(dollars) : dollars.toFixed(2)}`;
}

/** `840`, `12.4 k`, `1.2 M`: where there is little room. */
export function compact(value: number): string {
  if (value < 1000) return number.format(value);
  if (value < 1e6) return `${short(value / 1e3)} k`;
  return value < 1e9 ? `${short(value / 1e6)} M` : `${short(value / 1e9)} G`;
}

function short(value: number): string {
  return value < 99.95 ? value.toFixed(1).replace(/\.0$/, "") : number.format(value);
}

/** `144 bytes`, `12 KiB`, `67 MiB`, `1.4 GiB`: in steps of 1,024, here and everywhere. */
export function bytes(value: number): string {
  if (value >= 2 ** 30) return `${(value / 2 ** 30).toFixed(value >= 10 * 2 ** 30 ? 0 : 1)} GiB`;
  if (value >= 2 ** 20) return `${Math.round(value / 2 ** 20)} MiB`;
  return value < 1024 ? plural(value, "byte") : `${Math.round(value / 1024)} KiB`;
}

/** JSON text as a person reads it; what is none stays as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });
}

/** `14:03:20` */
export function clockSeconds(ms: number): string {
  const parts = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false } as const;
  return new Date(ms).toLocaleTimeString("en", parts);
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The kinds of task, by name. */
export const KIND_LABEL = { chat: "Chat", creative: "Creative", analytical: "Analytical" } as const;

/** The group of the rail that a time (Unix seconds) falls into, seen from `now` (ms). */
export function dayGroup(seconds: number, now: number): "Today" | "Yesterday" | "Older" {
  const today = new Date(now);
  today.setHours(0, 0, 0, 0);
  const at = seconds * 1000;
  if (at >= today.getTime()) return "Today";
  const yesterday = new Date(today);
  yesterday.setDate(yesterday.getDate() - 1);
  return at >= yesterday.getTime() ? "Yesterday" : "Older";
}
