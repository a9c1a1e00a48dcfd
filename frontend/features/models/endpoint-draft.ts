/** A connection as it is typed, and what of it is sent. Pure. */

import type { EndpointToTest, NewEndpoint } from "@/lib/api";
import { fullAddress, nameOfAddress, parseAliases } from "@/lib/endpoint-words";

export const PRESETS = [
  { name: "openai", label: "OpenAI", baseUrl: "https://api.openai.com/v1" },
  { name: "anthropic", label: "Anthropic", baseUrl: "https://api.anthropic.com/v1" },
  { name: "gemini", label: "Gemini", baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai" },
  { name: "openrouter", label: "OpenRouter", baseUrl: "https://openrouter.ai/api/v1" },
  { name: "custom", label: "Another, or a local server", baseUrl: "" },
] as const;

export interface EndpointDraft {
  preset: string;
  /** Empty: by the service, or by the address. */
  name: string;
  baseUrl: string;
  apiKey: string;
  apiKeyEnv: string;
  models: string;
  weight: string;
  concurrency: string;
  contextWindow: string;
  priceInput: string;
  priceOutput: string;
  aliases: string;
}

export const EMPTY_DRAFT: EndpointDraft = {
  preset: "openai",
  name: "",
  baseUrl: PRESETS[0].baseUrl,
  apiKey: "",
  apiKeyEnv: "",
  models: "",
  weight: "",
  concurrency: "",
  contextWindow: "",
  priceInput: "",
  priceOutput: "",
  aliases: "",
};

export function nameOf({ preset, name, baseUrl }: EndpointDraft): string {
  const own = name.trim();
  if (own !== "") return own;
  return preset === "custom" ? nameOfAddress(baseUrl) || "custom" : preset;
}

/** A key, or the variable that holds it. */
function keyOf({ apiKey, apiKeyEnv }: EndpointDraft): { apiKey?: string; apiKeyEnv?: string } {
  if (apiKeyEnv.trim() !== "") return { apiKeyEnv: apiKeyEnv.trim() };
  return apiKey === "" ? {} : { apiKey };
}

function modelsOf({ models }: EndpointDraft): string[] {
  return models
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

export function toAdd(draft: EndpointDraft): NewEndpoint {
  const { baseUrl, weight, concurrency, contextWindow, priceInput, priceOutput } = draft;
  const models = modelsOf(draft);
  const { aliases } = parseAliases(draft.aliases);
  const numbers = { weight, concurrency, contextWindow, priceInput, priceOutput };
  const given = Object.entries(numbers).filter(([, text]) => text.trim() !== "");
  return {
    name: nameOf(draft),
    baseUrl: fullAddress(baseUrl),
    ...keyOf(draft),
    ...(models.length === 0 ? {} : { models }),
    ...Object.fromEntries(given.map(([field, text]) => [field, Number(text)])),
    ...(Object.keys(aliases).length === 0 ? {} : { aliases }),
  };
}

export function toTest(draft: EndpointDraft): EndpointToTest {
  const [model] = modelsOf(draft);
  return { baseUrl: fullAddress(draft.baseUrl), ...keyOf(draft), ...(model === undefined ? {} : { model }) };
}
