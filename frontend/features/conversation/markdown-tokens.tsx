import { Fragment, type ReactNode } from "react";
import { CitedText } from "@/features/conversation/citation";
import { CodeBlock } from "@/features/conversation/code-block";
import {
  childrenOf,
  decodeEntities,
  type MarkedToken,
  safeHref,
  type Tokens,
  targetOf,
} from "@/lib/markdown-parse";

/** Parsed Markdown as elements. There is no way from here to raw HTML. */
export function renderTokens(tokens: readonly MarkedToken[]): ReactNode[] {
  return tokens.map((token, at) => <Fragment key={at}>{renderToken(token)}</Fragment>);
}

function renderToken(token: MarkedToken): ReactNode {
  const inside = (): ReactNode => renderTokens(childrenOf(token));
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "paragraph":
      return <p>{inside()}</p>;
    case "heading":
      return renderHeading(token.depth, inside());
    case "blockquote":
      return <blockquote className="space-y-2">{inside()}</blockquote>;
    case "hr":
      return <hr />;
    case "code":
      return <CodeBlock language={token.lang?.split(/\s/)[0] ?? ""} code={token.text} complete />;
    case "list":
      return renderList(token);
    case "table":
      return renderTable(token);
    case "strong":
      return <strong>{inside()}</strong>;
    case "em":
      return <em>{inside()}</em>;
    case "del":
      return <del>{inside()}</del>;
    case "codespan":
      return <code>{decodeEntities(token.text)}</code>;
    case "br":
      return <br />;
    case "link":
      return renderLink(token.href, inside(), token.text);
    case "image":
      // Not loaded: the answer of a model shall not make this page call strangers.
      return renderLink(token.href, token.text || "image", token.text);
    case "checkbox":
      return (
        <input
          type="checkbox"
          checked={token.checked}
          readOnly
          aria-label="Task"
          className="mr-2 align-[-1px]"
        />
      );
    case "text":
      return childrenOf(token).length > 0 ? inside() : renderText(decodeEntities(token.text));
    case "escape":
    case "html":
      return token.text;
    case "list_item":
      return inside();
  }
}

function renderText(text: string): ReactNode {
  return text.includes("[") ? <CitedText text={text} /> : text;
}

/** An answer's headings stand below the page's own. */
function renderHeading(depth: number, inside: ReactNode): ReactNode {
  if (depth === 1) return <h3 className="!text-[21px] !leading-7">{inside}</h3>;
  if (depth === 2) return <h3 className="!text-[18px] !leading-7">{inside}</h3>;
  if (depth === 3) return <h3>{inside}</h3>;
  return <h4>{inside}</h4>;
}

/** Nothing is fetched before somebody follows it, and where it leads is said unless the text is just that. */
function renderLink(href: string, inside: ReactNode, text: string): ReactNode {
  const safe = safeHref(href);
  if (safe === null) return inside;
  const target = targetOf(safe);
  const says = [safe, href, target].some((one) => one.replace(/\/$/, "") === text.replace(/\/$/, ""));
  return (
    <>
      <a href={safe} target="_blank" rel="noopener noreferrer nofollow" title={safe}>
        {inside}
      </a>
      {says ? null : (
        <span data-slot="link-target" className="text-muted-foreground text-[0.85em]">
          {" "}
          ({target})
        </span>
      )}
    </>
  );
}

function renderList(list: Tokens.List): ReactNode {
  const items = list.items.map((item, at) => <li key={at}>{renderTokens(childrenOf(item))}</li>);
  return list.ordered ? <ol start={list.start === "" ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function renderTable(table: Tokens.Table): ReactNode {
  const cells = (row: Tokens.TableCell[], kind: "th" | "td"): ReactNode =>
    row.map((cell, at) => {
      const Cell = cell.text === "" ? "td" : kind;
      return (
        <Cell key={at} style={cell.align === null ? undefined : { textAlign: cell.align }}>
          {renderTokens(cell.tokens as MarkedToken[])}
        </Cell>
      );
    });
  return (
    <div className="overflow-x-auto">
      <table>
        <thead>
          <tr>{cells(table.header, "th")}</tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            <tr key={at}>{cells(row, "td")}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
