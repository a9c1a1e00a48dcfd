/** Parts of the page that are loaded when they are first needed. Knows no React. */

const PAUSE_MS = 1_000;

/**
 * Loads a part of the page, and does not give up: when the server is away just then, the rest of the page goes on, and
 * the part comes when it is back.
 */
export async function patiently<Part>(load: () => Promise<Part>, pauseMs = PAUSE_MS): Promise<Part> {
  for (;;) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
