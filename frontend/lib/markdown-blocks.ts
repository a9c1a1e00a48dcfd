/**
 * Cuts Markdown that is still being written into blocks, so that only the last one has to be parsed again. A line is
 * looked at once, when it is complete; a block that is followed by another never changes. Joined, the blocks are the
 * source. Pure, and knows nothing of rendering.
 *
 * What one block may cost is bounded: long lists are cut between items (`continues`), long open paragraphs into pieces
 * (`paragraphPieces`), code and tables by their lines (`codeChunks`, and rows in the renderer).
 */

export type BlockKind = "flow" | "list" | "code" | "table";

export interface Block {
  readonly kind: BlockKind;
  readonly source: string;
  /** Nothing will be added to it. */
  readonly closed: boolean;
  /** The rest of a long list whose beginning is the block before. */
  readonly continues: boolean;
}

const LONG_LIST = 1200;
const FENCE = /^ {0,3}(`{3,}(?!.*`)|~{3,})/;
const HEADING = /^ {0,3}#{1,6}(?:[ \t]|$)/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const DELIMITER_ROW = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const BLANK = /^[ \t]*$/;

function closesFence(line: string, fence: string): boolean {
  const mark = line.replace(/^ {0,3}/, "").trimEnd();
  return mark.length >= fence.length && mark === (fence[0] ?? "").repeat(mark.length);
}

/** The marker's family: items of one list share it. */
function markerOf(line: string): string | null {
  const match = ITEM.exec(line);
  if (match === null) return null;
  const marker = match[2] ?? "";
  return marker.length === 1 ? marker : (marker.at(-1) ?? "");
}

export class BlockSplitter {
  private source = "";
  /** Where the next line that was not yet looked at begins. */
  private seen = 0;
  private openStart = 0;
  private lastLineStart = 0;
  private kind: BlockKind = "flow";
  private continues = false;
  private fence = "";
  private marker: string | null = null;
  private afterBlank = false;
  private finished: Block[] = [];

  /** The blocks of `source`. Cheap when it extends what was given before; anything else starts over. */
  update(source: string): readonly Block[] {
    if (source.length < this.source.length || !source.startsWith(this.source)) this.restart();
    this.source = source;
    for (let end = source.indexOf("\n", this.seen); end >= 0; end = source.indexOf("\n", this.seen)) {
      this.line(source.slice(this.seen, end));
      this.lastLineStart = this.seen;
      this.seen = end + 1;
      if (this.fence === "closed") this.cut(this.seen, "flow");
    }
    this.glimpse(source.slice(this.seen));
    return this.openStart < source.length ? [...this.finished, this.open()] : this.finished;
  }

  private open(): Block {
    const { kind, continues } = this;
    return { kind, source: this.source.slice(this.openStart), closed: false, continues };
  }

  private restart(): void {
    this.seen = this.openStart = this.lastLineStart = 0;
    this.finished = [];
    this.begin("flow");
  }

  private begin(kind: BlockKind, continues = false): void {
    this.kind = kind;
    this.continues = continues;
    this.fence = "";
    this.marker = null;
    this.afterBlank = false;
  }

  /** Ends the open block at `at`; a new one of `kind` begins there. */
  private cut(at: number, kind: BlockKind, continues = false): void {
    if (at > this.openStart) {
      this.finished = [
        ...this.finished,
        { ...this.open(), source: this.source.slice(this.openStart, at), closed: true },
      ];
      this.openStart = at;
    }
    this.begin(kind, continues);
  }

  /** A line of which only the beginning is there can already show that a paragraph is over. */
  private glimpse(partial: string): void {
    const over =
      this.afterBlank &&
      (this.kind === "flow" || this.kind === "table") &&
      !this.isIndented() &&
      !BLANK.test(partial);
    if (over && !/^\s/.test(partial) && this.seen > this.openStart) this.cut(this.seen, "flow");
  }

  private isIndented(): boolean {
    return this.source.startsWith("    ", this.openStart);
  }

  private line(line: string): void {
    if (this.kind === "code") {
      if (closesFence(line, this.fence)) this.fence = "closed";
      return;
    }
    if (BLANK.test(line)) {
      this.afterBlank = true;
      return;
    }
    const fence = FENCE.exec(line)?.[1];
    const inList = this.kind === "list" && /^\s/.test(line);
    if (fence !== undefined && !inList) {
      this.cut(this.seen, "code");
      this.fence = fence;
      return;
    }
    if (HEADING.test(line) && !inList) {
      this.cut(this.seen, "flow");
      this.afterBlank = true;
      return;
    }
    if (this.kind === "list") this.lineInList(line);
    else this.lineInFlow(line);
    this.afterBlank = false;
  }

  private lineInList(line: string): void {
    const marker = markerOf(line);
    const topLevel = marker !== null && !/^ {2}/.test(line);
    if (topLevel && marker === this.marker) {
      if (this.seen - this.openStart > LONG_LIST) {
        this.cut(this.seen, "list", true);
        this.marker = marker;
      }
    } else if (topLevel) {
      this.cut(this.seen, "list");
      this.marker = marker;
    } else if (this.afterBlank && !/^\s/.test(line)) {
      this.cut(this.seen, "flow");
    }
  }

  private lineInFlow(line: string): void {
    if (this.kind === "table") {
      if (!this.afterBlank && !/^ {0,3}>/.test(line) && markerOf(line) === null) return;
      this.cut(this.seen, "flow");
    } else if (this.afterBlank && !(this.isIndented() && line.startsWith("    "))) {
      this.cut(this.seen, "flow");
    }
    const marker = markerOf(line);
    const fresh = this.openStart === this.seen;
    const interrupts = /^ {0,3}(?:[-*+]|1[.)])[ \t]+\S/.test(line) && !this.isIndented();
    if (
      marker !== null &&
      !/^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,})$/.test(line) &&
      (fresh || interrupts)
    ) {
      this.cut(this.seen, "list");
      this.marker = marker;
    } else if (line.includes("|") && DELIMITER_ROW.test(line) && !fresh) {
      const header = this.source.slice(this.lastLineStart, this.seen - 1);
      if (this.lastLineStart < this.openStart || !header.includes("|")) return;
      this.cut(this.lastLineStart, "table");
    }
  }
}

/** A fenced block, taken apart: language, code, and whether its closing fence is there. */
export function parseFence(source: string): { language: string; code: string; complete: boolean } {
  const firstEnd = source.indexOf("\n");
  const opening = firstEnd < 0 ? source : source.slice(0, firstEnd);
  const match = /^( {0,3})(`{3,}|~{3,})[ \t]*([^\s`]*)/.exec(opening);
  const fence = match?.[2] ?? "```";
  const language = (match?.[3] ?? "").toLowerCase();
  if (firstEnd < 0) return { language, code: "", complete: false };
  const body = source.slice(firstEnd + 1);
  const trimmed = body.trimEnd();
  const lastStart = trimmed.lastIndexOf("\n") + 1;
  const complete = closesFence(trimmed.slice(lastStart), fence);
  const code = complete ? body.slice(0, Math.max(0, lastStart - 1)) : body;
  return { language, code, complete };
}

const CHUNK_LINES = 40;

/** Code in chunks of lines, none of which changes but the last when code is added. Joined, they are the code. */
export function codeChunks(code: string): string[] {
  const chunks: string[] = [];
  let start = 0;
  let lines = 0;
  for (let end = code.indexOf("\n"); end >= 0; end = code.indexOf("\n", end + 1)) {
    if (++lines % CHUNK_LINES !== 0) continue;
    chunks.push(code.slice(start, end + 1));
    start = end + 1;
  }
  if (start < code.length || chunks.length === 0) chunks.push(code.slice(start));
  return chunks;
}

const PIECE = 600;

/**
 * A long open paragraph in pieces that are complete as inline Markdown, as far as counting marks can tell; only the
 * last one changes when text is added. The closed paragraph is parsed whole, so a wrong guess does not last.
 */
export function paragraphPieces(source: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  let stars = 0;
  let lines = 0;
  let ticks = 0;
  let tildes = 0;
  let depth = 0;
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === "*") stars++;
    else if (char === "_") lines++;
    else if (char === "`") ticks++;
    else if (char === "~") tildes++;
    else if (char === "[" || char === "(" || char === "<") depth++;
    else if (char === "]" || char === ")" || char === ">") depth--;
    else if (char === " " && at - start >= PIECE && /[.!?:;,]/.test(source[at - 1] ?? "")) {
      if ((stars | lines | ticks | tildes) & 1 || depth !== 0) continue;
      pieces.push(source.slice(start, at + 1));
      start = at + 1;
    }
  }
  pieces.push(source.slice(start));
  return pieces;
}
