"use client";

import { ArrowLeft } from "lucide-react";
import { useEffect, useState } from "react";
import { Problem } from "@/components/problem";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { NotesEditor } from "@/features/learning/versions/notes-editor";
import { goToVersions, PlaceLink } from "@/features/learning/versions/place-link";
import { PolicyEditor } from "@/features/learning/versions/policy-editor";
import { PromptEditor } from "@/features/learning/versions/prompt-editor";
import { useTask } from "@/hooks/use-task";
import { policyOf, policyProblem } from "@/lib/version-draft";
import type { VersionPlace } from "@/lib/version-place";
import { lineProblems, WHAT_NAMES } from "@/lib/version-words";
import { activeContent, versions } from "@/lib/versions";
import { versionsApi, type What } from "@/lib/versions-api";

type EditPlace = Extract<VersionPlace, { show: "new" | "edit" }>;

interface Text {
  readonly what: What;
  readonly of: string;
  readonly title: string;
  readonly content: string;
}

/** A version by hand: begins with what acts now, or with a draft that is there. */
export function VersionEditor({ place }: { place: EditPlace }) {
  const [start, setStart] = useState<Text | null>(null);
  const { problem, run } = useTask();
  const load = (): Promise<void> => run(async () => setStart(await textOf(place)));
  // biome-ignore lint/correctness/useExhaustiveDependencies: another place is another editor, by its key
  useEffect(() => void load(), []);
  return (
    <div data-slot="version-editor" className="space-y-5">
      <PlaceLink
        place={place.show === "edit" ? { show: "version", id: place.id } : { show: "list", role: "" }}
        className="inline-flex items-center gap-1.5 text-[13px] text-muted-foreground hover:text-foreground"
      >
        <ArrowLeft aria-hidden className="size-3.5" />
        {place.show === "edit" ? "The version" : "All versions"}
      </PlaceLink>
      {problem === null ? null : (
        <Problem facts={problem}>
          <Button size="sm" onClick={() => void load()}>
            Try again
          </Button>
        </Problem>
      )}
      {start === null ? null : <Form start={start} id={place.show === "edit" ? place.id : null} />}
    </div>
  );
}

async function textOf(place: EditPlace): Promise<Text> {
  if (place.show === "edit") {
    const { what, of, title, content } = await versionsApi.read(place.id);
    return { what, of, title, content };
  }
  const content = await activeContent(place.what, place.role);
  return { what: place.what, of: place.role, title: "", content };
}

function Form({ start, id }: { start: Text; id: string | null }) {
  const { what, of } = start;
  const [title, setTitle] = useState(start.title);
  const [content, setContent] = useState(start.content);
  const { busy, problem, run, forget } = useTask();
  const before = what === "policy" ? policyProblem(policyOf(content)) : null;
  const lines = problem?.code === "role_invalid" ? lineProblems(problem.actual) : [];
  const change = (text: string): void => {
    setContent(text);
    forget();
  };
  const keep = (): Promise<void> =>
    run(async () => {
      const body = { what, of, content, title: title.trim() };
      const made =
        id === null ? await versionsApi.make(body) : await versionsApi.change(id, content, body.title);
      void versions.load();
      goToVersions({ show: "version", id: made.id });
    });
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy && before === null) void keep();
      }}
    >
      <div className="space-y-1">
        <h2 className="font-medium text-sm">
          {WHAT_NAMES[what]} of {of}
        </h2>
        <p className="text-[13px] text-muted-foreground">{ABOUT[what]}</p>
      </div>
      <Input
        value={title}
        maxLength={200}
        data-slot="version-name"
        aria-label="What you call it"
        placeholder="What you call it, as “Shorter answers”"
        onChange={(event) => setTitle(event.target.value)}
      />
      {what === "prompt" ? (
        <PromptEditor content={content} problems={lines} onChange={change} />
      ) : what === "notes" ? (
        <NotesEditor content={content} onChange={change} />
      ) : (
        <PolicyEditor content={content} onChange={change} />
      )}
      {before === null ? null : (
        <p role="alert" className="text-[13px] text-destructive">
          {before}
        </p>
      )}
      {problem === null || lines.length > 0 ? null : <Problem facts={problem} />}
      <div className="flex flex-wrap items-center gap-2">
        <Button
          type="submit"
          variant="primary"
          data-slot="keep-version"
          disabled={busy || before !== null || (id === null && content === start.content)}
        >
          Keep as a draft
        </Button>
        <span className="text-faint-foreground text-xs">Nothing acts on a draft.</span>
      </div>
    </form>
  );
}

const ABOUT: Readonly<Record<What, string>> = {
  prompt:
    "The role’s whole file, beginning with the one that acts now: its front matter, then its prompt. It opens where the prompt begins.",
  notes: "Sentences that the role is told with each task, as “Name your sources.”",
  policy: "Which role, model and plan do this role’s tasks, and how freely others are tried.",
};
