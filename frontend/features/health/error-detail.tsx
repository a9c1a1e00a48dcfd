import { ArrowLeft } from "lucide-react";
import { CopyButton } from "@/components/copy-button";
import { Button } from "@/components/ui/button";
import { useNow } from "@/hooks/use-now";
import { usePart } from "@/hooks/use-store";
import { factsOf } from "@/lib/api";
import { type ErrorExample, exampleOf, reportOf, STATE_WORDS } from "@/lib/error-words";
import { plural } from "@/lib/format";
import { type ErrorGroup, type ErrorState, healthApi } from "@/lib/health-api";
import { errors } from "@/lib/health-watch";
import { agoWords } from "@/lib/health-words";
import { go } from "@/lib/location";
import { session } from "@/lib/session";

async function become(fingerprint: string, state: ErrorState): Promise<void> {
  try {
    const changed = await healthApi.setErrorState(fingerprint, state);
    errors.change((groups) => groups.map((group) => (group.fingerprint === fingerprint ? changed : group)));
  } catch (cause) {
    session.notices.error(factsOf(cause));
  }
}

/** What may become of an error in each state. */
const ACTIONS: Readonly<Record<ErrorState, readonly { to: ErrorState; label: string }[]>> = {
  open: [
    { to: "resolved", label: "Resolved" },
    { to: "muted", label: "Mute" },
  ],
  resolved: [{ to: "open", label: "Open again" }],
  muted: [{ to: "open", label: "Open again" }],
};

/** An error: how often and where, and its newest example with all that is known of it. */
export function ErrorDetail({ group }: { group: ErrorGroup }) {
  const now = useNow();
  const example = exampleOf(group);
  return (
    <article data-slot="error-detail" data-state={group.state} className="space-y-5">
      <Button
        size="sm"
        variant="ghost"
        data-slot="all-errors"
        className="-ml-2 max-sm:h-9"
        onClick={() => go({ item: null })}
      >
        <ArrowLeft aria-hidden className="!size-3.5" />
        All errors
      </Button>
      <header className="space-y-2">
        <h2 className="break-words font-semibold text-[17px] leading-6">{group.title}</h2>
        <p className="break-all font-mono text-muted-foreground text-xs">{group.place}</p>
        <p className="text-[13px] text-muted-foreground tabular-nums">
          {STATE_WORDS[group.state]} · {plural(group.count, "time")} · first {agoWords(group.firstAt, now)} ·
          last {agoWords(group.lastAt, now)}
        </p>
        <div className="flex flex-wrap items-center gap-2 pt-1">
          {ACTIONS[group.state].map(({ to, label }) => (
            <Button
              key={to}
              size="sm"
              data-slot="error-state"
              data-to={to}
              className="max-sm:h-9"
              onClick={() => void become(group.fingerprint, to)}
            >
              {label}
            </Button>
          ))}
          <CopyButton
            text={() => reportOf(group)}
            label="Copy all of it"
            data-slot="copy-error"
            className="max-sm:size-9"
          />
        </div>
        <p className="text-faint-foreground text-xs">
          A resolved error opens again when it comes back; a muted one is only counted.
        </p>
      </header>
      <Example example={example} />
    </article>
  );
}

function Example({ example }: { example: ErrorExample }) {
  const { message, traceback, runId, threadId, context } = example;
  return (
    <section aria-label="Newest example" className="space-y-4">
      <h3 className="border-b pb-2 text-muted-foreground text-xs">The newest of them</h3>
      <p data-slot="error-message" className="whitespace-pre-wrap break-words text-[13px]">
        {message}
      </p>
      {runId === null && threadId === null && context.length === 0 ? null : (
        <dl
          data-slot="error-context"
          className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1 text-[13px]"
        >
          {threadId === null ? null : <Thread threadId={threadId} runId={runId} />}
          {runId === null ? null : <Fact name="run" text={runId} />}
          {context.map(([name, text]) => (
            <Fact key={name} name={name.replaceAll("_", " ")} text={text} />
          ))}
        </dl>
      )}
      {traceback === "" ? null : (
        <pre
          data-slot="traceback"
          tabIndex={0}
          role="region"
          aria-label="Traceback"
          className="max-h-[60vh] overflow-auto rounded-lg border bg-muted/50 px-4 py-3 font-mono text-xs leading-5"
        >
          {traceback}
        </pre>
      )}
    </section>
  );
}

function Fact({ name, text }: { name: string; text: string }) {
  return (
    <>
      <dt className="text-muted-foreground">{name}</dt>
      <dd className="min-w-0 break-words font-mono text-xs leading-5">{text}</dd>
    </>
  );
}

/** A chat that is mine can be opened; of another's only the id is told. */
function Thread({ threadId, runId }: { threadId: string; runId: string | null }) {
  const title = usePart(session.threadList.titles, (titles) => titles.get(threadId));
  if (title === undefined) return <Fact name="chat" text={threadId} />;
  return (
    <>
      <dt className="text-muted-foreground">chat</dt>
      <dd className="min-w-0">
        <Button
          variant="link"
          size="inline"
          data-slot="error-thread"
          className="max-w-full whitespace-normal text-left"
          onClick={() => go({ page: null, thread: threadId, run: runId, dialog: null })}
        >
          {title || "New chat"}
        </Button>
      </dd>
    </>
  );
}
