import { beforeEach, describe, expect, it } from "vitest";
import type { ModelInfo, ModelList } from "@/lib/api";
import { chooseModel, composer, forgetNewChoice, moveDraft, nextModel } from "@/lib/composer-state";
import { modelLabel } from "@/lib/model-list";

beforeEach(() => composer.update((state) => ({ ...state, choices: {} })));

describe("the model that answers next", () => {
  it("is the default in a new chat, and in a chat whose newest turn asked for none", () => {
    expect(nextModel(undefined, null)).toBe(null);
    expect(nextModel(undefined, { id: "r1", model: null })).toBe(null);
  });

  it("is that of the newest turn, so that a reload changes nothing", () => {
    expect(nextModel(undefined, { id: "r1", model: "pool/scripted" })).toBe("pool/scripted");
  });

  it("is what was chosen since, the default too, until a newer turn came", () => {
    const newest = { id: "r1", model: "pool/scripted" };
    expect(nextModel({ model: "left/scripted", after: "r1" }, newest)).toBe("left/scripted");
    expect(nextModel({ model: null, after: "r1" }, newest)).toBe(null);
    expect(nextModel({ model: "left/scripted", after: "r0" }, newest)).toBe("pool/scripted");
  });

  it("goes with a new chat into its thread, and no new chat begins with it", () => {
    chooseModel(null, { model: "left/scripted", after: null });
    moveDraft("t1");
    expect(composer.get().choices).toEqual({ t1: { model: "left/scripted", after: null } });
    chooseModel(null, { model: "left/scripted", after: null });
    forgetNewChoice();
    expect(composer.get().choices.new).toBeUndefined();
  });
});

describe("a model's name among all", () => {
  const models = ["pool/scripted", "left/scripted", "right/scripted", "left/other"].map(
    (id) => ({ id }) as ModelInfo,
  );
  const list = { models } as ModelList;

  it("is short where it is the only one, and says whose it is where it is not", () => {
    expect(modelLabel(list, "left/other")).toBe("other");
    expect(modelLabel(list, "left/scripted")).toBe("left/scripted");
    expect(modelLabel(list, "pool/scripted")).toBe("pool/scripted");
  });
});
