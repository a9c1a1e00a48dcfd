import { factsOf } from "@/lib/api";
import { againWords, waitMs } from "@/lib/limits";
import type { ErrorFacts } from "@/lib/protocol";

/** Sends again and again what only meets a limit, and says so each time. Gives why it was refused, `null`: it was taken. */
export async function untilTaken(
  send: () => Promise<unknown>,
  say: (words: string, forMs: number) => void,
): Promise<ErrorFacts | null> {
  for (;;) {
    try {
      await send();
      return null;
    } catch (cause) {
      const facts = factsOf(cause);
      const wait = waitMs(facts);
      if (wait === 0) return facts;
      say(againWords(wait), wait);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
