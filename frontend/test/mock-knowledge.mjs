// Of the mock server: the knowledge base. Files in every state; those that are put in are read before one's eyes. A file
// whose name has "locked" is encrypted, one with "broken" is damaged. `--forgetful` starts with none.
import { dropPieces, keepPiece, piecesOf } from "./mock-memory.mjs";

const FORMATS =
  "pdf docx md markdown txt text log rst html htm csv tsv py pyi js ts tsx go rs java c h cpp rb php sh sql json yaml toml ini xml css".split(
    " ",
  );
const MAX_BYTES = 64 * 1024 * 1024;
const DAY = 86_400;
const documents = new Map();
const texts = new Map();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const points = (text) => [...text].length;

function put(id, name, more) {
  const at = Date.now() / 1000;
  const format = name.split(".").at(-1).toLowerCase();
  const document = {
    id,
    name,
    origin: "page",
    format,
    bytes: 48_211,
    state: "ready",
    chunks: 0,
    done: 0,
    error: null,
    createdAt: at,
    updatedAt: at,
    ...more,
  };
  documents.set(id, document);
  return document;
}

/** The text of a file whose pieces are remembered: each under the name of its place. */
function compose(id) {
  let text = "";
  for (const piece of piecesOf(id)) {
    const { source } = piece;
    const heading = text.endsWith(`${source.place}\n\n`) ? "" : `${source.place}\n\n`;
    text += heading;
    source.start = points(text);
    text += piece.text;
    source.end = points(text);
    text += "\n\n";
  }
  texts.set(id, text);
  const { length } = piecesOf(id);
  Object.assign(documents.get(id), { chunks: length, done: length });
}

const ARABIC = [
  ["الفقرة 1", "تُعقد الجلسة يوم الثلاثاء في الساعة العاشرة صباحًا، ويحضرها أربعة أعضاء على الأقل."],
  ["الفقرة 2", "Minutes are kept in English: يُرسل المحضر خلال ثلاثة أيام إلى alma@example.org 📎."],
  ["الفقرة 3", "الميزانية للعام 2027 هي 14,300 يورو، منها 2,100 يورو للتدفئة."],
];

function fill() {
  const now = Date.now() / 1000;
  put("d_handbook.pdf", "handbook.pdf", { bytes: 3_820_114, updatedAt: now - 20 * DAY });
  put("d_recipes.md", "recipes.md", {
    bytes: 18_402,
    origin: "kitchen/recipes.md",
    updatedAt: now - 3 * DAY,
  });
  put("d_offers.csv", "offers.csv", { bytes: 9_120, updatedAt: now - 5 * DAY });
  put("d_contract.docx", "contract.docx", { bytes: 84_930, updatedAt: now - 40 * DAY });
  put("d_minutes.txt", "محضر الجلسة.txt", { bytes: 2_204, updatedAt: now - 1.2 * DAY });
  for (const [at, [place, text]] of ARABIC.entries())
    keepPiece(
      `m_minutes_${at}`,
      { documentId: "d_minutes.txt", file: "محضر الجلسة.txt", place, start: 0, end: 0, text },
      at,
    );
  for (const id of documents.keys()) compose(id);
  put("d_manual.html", "boiler-manual.html", {
    bytes: 411_902,
    state: "reading",
    chunks: 120,
    done: 40,
    updatedAt: now - 8,
  });
  put("d_till.csv", "till-2026.csv", { bytes: 1_204_118, state: "waiting", updatedAt: now - 6 });
  put("d_tax.pdf", "tax-2025.pdf", {
    bytes: 612_480,
    state: "failed",
    updatedAt: now - 0.3 * DAY,
    error: {
      code: "encrypted_file",
      message: "tax-2025.pdf is encrypted.",
      expected: "a PDF that can be read without a password",
      actual: "a PDF that asks for a password",
      hint: "Save it without a password, and put it in again.",
    },
  });
}

/** `toAll` tells every page. */
export function knowledgeRoutes({ Problem, toAll }) {
  if (!process.argv.includes("--forgetful")) fill();
  const folder = process.argv.includes("--forgetful") ? null : "~/notes";
  const tell = ({ id, name, state, chunks, done, error }, deleted = false) =>
    toAll({
      type: "CUSTOM",
      name: "alma.document",
      value: { id, name, state, chunks, done, error, deleted },
    });
  const known = (id) => {
    const document = documents.get(id);
    if (!document) throw new Problem(404, "unknown_document", "There is no such file.");
    return document;
  };
  const change = (document, more) => {
    Object.assign(document, more, { updatedAt: Date.now() / 1000 });
    tell(document);
  };
  async function read(document, content) {
    await sleep(400);
    const [, ending] = /(locked|broken)/.exec(document.name) ?? [];
    if (ending) {
      const [code, what] =
        ending === "locked" ? ["encrypted_file", "encrypted"] : ["damaged_file", "damaged"];
      return change(document, { state: "failed", error: { code, message: `${document.name} is ${what}.` } });
    }
    const parts = content.split(/\n{2,}/).filter((part) => part.trim() !== "");
    dropPieces(document.id);
    let from = 0;
    change(document, { state: "reading", chunks: parts.length, done: 0 });
    for (const [at, text] of parts.entries()) {
      const unit = content.indexOf(text, from);
      from = unit + text.length;
      const start = points(content.slice(0, unit));
      const place = `part ${at + 1}`;
      const piece = {
        documentId: document.id,
        file: document.name,
        place,
        start,
        end: start + points(text),
        text,
      };
      keepPiece(`m_${document.id}_${at}`, piece, at);
      change(document, { done: at + 1 });
      await sleep(Math.min(60, 1500 / parts.length));
    }
    texts.set(document.id, content);
    change(document, { state: "ready" });
  }
  return [
    [
      "GET",
      /^\/knowledge$/,
      () => ({ documents: [...documents.values()], folder, formats: FORMATS, maxBytes: MAX_BYTES }),
    ],
    [
      "PUT",
      /^\/knowledge\/files\/(.+)$/,
      ([path], body) => {
        const name = decodeURIComponent(path);
        const content = body ?? "";
        const before = [...documents.values()].find((each) => each.name === name);
        const document = put(before?.id ?? `d_${documents.size + 1}`, name, {
          bytes: Buffer.byteLength(content),
          state: "waiting",
        });
        tell(document);
        void read(document, content);
        return document;
      },
    ],
    [
      "GET",
      /^\/knowledge\/([^/]+)$/,
      ([path]) => {
        const document = known(decodeURIComponent(path));
        const chunks = piecesOf(document.id).map(({ id, text, source, uses }) => ({
          id,
          text,
          place: source.place,
          start: source.start,
          end: source.end,
          uses,
        }));
        return { document, text: texts.get(document.id) ?? "", chunks };
      },
    ],
    [
      "DELETE",
      /^\/knowledge\/([^/]+)$/,
      ([path]) => {
        const document = known(decodeURIComponent(path));
        documents.delete(document.id);
        dropPieces(document.id);
        tell(document, true);
      },
    ],
  ];
}
