/**
 * The server's clock, as far as a page can tell: the least that an event was younger or older than our own clock when
 * it came. For times that run while one watches; what has ended carries the server's times itself.
 */

let ahead: number | null = null;

/** An event with this time (server ms) has just happened. */
export function heardFromServer(timestamp: number): void {
  const difference = Date.now() - timestamp;
  ahead = ahead === null ? difference : Math.min(ahead, difference);
}

export function serverNow(): number {
  return Date.now() - (ahead ?? 0);
}
