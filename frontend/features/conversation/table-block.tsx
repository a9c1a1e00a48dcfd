"use client";

import { memo } from "react";
import { renderTokens } from "@/features/conversation/markdown-tokens";
import { type Align, parseInline, splitRow, tableAligns } from "@/lib/markdown-parse";

/** A table, row by row: a row that stands is not parsed again when the next one comes. Scrolls where it is too wide. */
export function TableBlock({ source }: { source: string }) {
  const lines = source.split("\n").filter((line) => line.trim() !== "");
  const [header = "", delimiter = "", ...rows] = lines;
  const aligns = tableAligns(delimiter).join(" ");
  return (
    <div data-slot="table-block" role="group" aria-label="Table" tabIndex={0} className="overflow-x-auto">
      <table>
        <thead>
          <Row line={header} aligns={aligns} cell="th" />
        </thead>
        <tbody>
          {rows.map((line, at) => (
            <Row key={at} line={line} aligns={aligns} cell="td" />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Row = memo(function Row({ line, aligns, cell }: { line: string; aligns: string; cell: "th" | "td" }) {
  const cells = splitRow(line);
  return (
    <tr>
      {aligns.split(" ").map((align, at) => {
        const text = cells[at] ?? "";
        // A header without text is only a corner.
        const Cell = text === "" ? "td" : cell;
        return (
          <Cell key={at} style={align === "" ? undefined : { textAlign: align as NonNullable<Align> }}>
            {renderTokens(parseInline(text))}
          </Cell>
        );
      })}
    </tr>
  );
});
