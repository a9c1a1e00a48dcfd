import { sentence, type Wrong, whereWords } from "@/lib/experiment-draft";

/** All that is wrong, each with its place; rows say it where they are. */
export function WrongLines({ wrong }: { wrong: readonly Wrong[] }) {
  return (
    <div
      role="alert"
      data-slot="experiment-wrong"
      className="space-y-1 border-destructive border-l-2 py-1 pl-4 text-[13px]"
    >
      <p>It cannot be run like this:</p>
      <ul className="space-y-0.5">
        {wrong.map(({ where, message, line }) => (
          <li key={`${where}:${line}:${message}`} data-slot="wrong-line" className="text-pretty">
            <span className="text-muted-foreground tabular-nums">
              {[...(line > 0 ? [`line ${line}`] : []), ...(where === "" ? [] : [whereWords(where)])].join(
                ", ",
              )}
            </span>{" "}
            {sentence(message)}
          </li>
        ))}
      </ul>
    </div>
  );
}
