import { expect, test } from "vitest";
import { patiently } from "@/lib/patient-import";

test("a part that cannot be loaded is asked for until it comes", async () => {
  let tries = 0;
  const load = async (): Promise<string> => {
    tries++;
    if (tries < 3) throw new Error("the server is away");
    return "part";
  };
  expect(await patiently(load, 0)).toBe("part");
  expect(tries).toBe(3);
});
