import { describe, expect, it } from "vitest";
import type { EndpointInfo, ModelInfo, ModelList } from "@/lib/api";
import {
  endpointState,
  fullAddress,
  loadWords,
  nameOfAddress,
  parseAliases,
  priceWords,
} from "@/lib/endpoint-words";
import { homeOf, isDown, withHealth } from "@/lib/model-list";

const endpoint = (more: Partial<EndpointInfo> = {}): EndpointInfo => ({
  name: "groq",
  baseUrl: "https://api.groq.com/openai/v1",
  hasKey: true,
  kind: "remote",
  state: "ready",
  detail: "",
  source: "file",
  active: 0,
  queued: 0,
  limit: 8,
  breaker: "closed",
  retryAt: 0,
  weight: 2,
  calls: 3,
  errors: 1,
  lastError: "it said 503",
  firstTokenP50Ms: 180,
  firstTokenP95Ms: 640,
  tokensPerS: 300,
  price: { input: 0.59, output: 0.79 },
  ...more,
});
const list = (...endpoints: EndpointInfo[]): ModelList => ({
  default: null,
  tinyOnly: false,
  models: [],
  endpoints,
  embedded: { state: "off", file: "", detail: "" },
});

describe("the health of endpoints", () => {
  it("takes the place of the figures that were there; what is left out on the wire is at its default", () => {
    const before = list(endpoint(), endpoint({ name: "other" }));
    const after = withHealth(before, [{ name: "groq", state: "ready", active: 3, limit: 4, calls: 9 }]);
    expect(after.endpoints[0]).toMatchObject({ active: 3, limit: 4, calls: 9, errors: 0, lastError: "" });
    // What a frame does not tell of, stays.
    expect(after.endpoints[0]).toMatchObject({ weight: 2, baseUrl: before.endpoints[0]?.baseUrl });
    expect(after.endpoints[1]).toBe(before.endpoints[1]);
  });

  it("of an endpoint that is not listed changes nothing", () => {
    const before = list(endpoint());
    expect(withHealth(before, [{ name: "stranger", state: "ready" }]).endpoints).toEqual(before.endpoints);
  });
});

describe("an endpoint in words", () => {
  const at = new Date(2026, 2, 1, 14, 3, 20).getTime();

  it("says until when it is left alone, and what comes then", () => {
    const open = endpoint({ breaker: "open", retryAt: at / 1000 });
    expect(endpointState(open, at - 5_000)).toEqual({
      words: "resting until 14:03:20, then one call to try",
      tone: "bad",
    });
    expect(endpointState(open, at + 1).words).toBe("rested; the next call is to try");
    expect(endpointState(endpoint({ breaker: "half_open" }), at).words).toContain("the next call tries it");
    expect(endpointState(endpoint(), at)).toEqual({ words: "ready", tone: "good" });
  });

  it("has its load, its price and where a pool's models are", () => {
    expect(loadWords({ active: 3, limit: 8 })).toBe("3 of 8");
    expect(loadWords({ active: 3, limit: 0 })).toBe("3");
    expect(priceWords({ input: 0.59, output: 0.79 })).toBe("$0.59 in, $0.79 out");
    expect(priceWords({ input: 0, output: 0 })).toBeNull();
    const model = { id: "pool/m", endpoint: "pool", name: "m", contextWindow: 0, kind: "pool", tiny: false };
    const counting = { how: "exact" as const, errorPct: 0 };
    const pooled = {
      ...model,
      loaded: true,
      members: ["groq", "x"],
      price: { input: 0, output: 0 },
      counting,
    };
    expect(homeOf(pooled)).toBe("groq, x");
    expect(homeOf({ ...pooled, endpoint: "groq", members: [] })).toBe("groq");
  });
});

describe("a connection as it is typed", () => {
  it("has aliases, one a line", () => {
    expect(parseAliases("a/b = b\n\n c = d ")).toEqual({ aliases: { "a/b": "b", c: "d" }, wrong: null });
    expect(parseAliases("")).toEqual({ aliases: {}, wrong: null });
    expect(parseAliases("a = b\njust this").wrong).toBe("just this");
    expect(parseAliases("a = ").wrong).toBe("a =");
  });

  it("is named after its address", () => {
    expect(nameOfAddress("https://llm.example.org:8080/v1")).toBe("llm-example-org-8080");
    expect(nameOfAddress("not yet")).toBe("");
    expect(nameOfAddress("http://127.0.0.1:8978/v1")).toBe("local-8978");
    expect(nameOfAddress("localhost/v1")).toBe("local");
  });

  it("may be typed without its scheme: plain on this machine, encrypted elsewhere", () => {
    expect(fullAddress(" localhost:8080/v1 ")).toBe("http://localhost:8080/v1");
    expect(fullAddress("127.0.0.1:8978/v1")).toBe("http://127.0.0.1:8978/v1");
    expect(fullAddress("[::1]:8978/v1")).toBe("http://[::1]:8978/v1");
    expect(fullAddress("llm.example.org/v1")).toBe("https://llm.example.org/v1");
    expect(fullAddress("127.0.0.1.example.org/v1")).toBe("https://127.0.0.1.example.org/v1");
    expect(fullAddress("http://llm.example.org/v1")).toBe("http://llm.example.org/v1");
    expect(fullAddress("")).toBe("");
  });
});

it("a model is down when none of its endpoints can be asked", () => {
  const two = list(endpoint(), endpoint({ name: "local", state: "down" }));
  const model = (home: string, members: string[] = []) =>
    ({ endpoint: home, members }) as unknown as ModelInfo;
  expect(isDown(two, model("groq"))).toBe(false);
  expect(isDown(two, model("local"))).toBe(true);
  expect(isDown(two, model("pool", ["groq", "local"]))).toBe(false);
  expect(isDown(list(endpoint({ breaker: "open" })), model("pool", ["groq"]))).toBe(true);
});
