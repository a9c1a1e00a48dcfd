"use client";

import { type KeyboardEvent, useState } from "react";
import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Kbd } from "@/components/ui/kbd";
import { useStore } from "@/hooks/use-store";
import { ACTIONS, keyLabel } from "@/lib/actions";
import { cn } from "@/lib/cn";
import { layout, setLayout } from "@/lib/layout";
import { openThread } from "@/lib/location";
import { session } from "@/lib/session";

interface Item {
  id: string;
  label: string;
  group: "Do" | "Chats";
  keys?: string;
  run: () => void;
}

/** Everything by name. */
export function Palette() {
  const { palette } = useStore(layout);
  return (
    <Dialog open={palette} onOpenChange={(open) => setLayout({ palette: open })}>
      <DialogContent
        data-slot="palette"
        title="Find anything by name"
        description={null}
        bare
        className="sm:w-[min(560px,calc(100vw-32px))]"
      >
        <PaletteBody />
      </DialogContent>
    </Dialog>
  );
}

/** All words of the query stand somewhere in the label. */
function fits(label: string, query: string): boolean {
  const lower = label.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

function PaletteBody() {
  const { threads } = useStore(session.threadList.state);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const all: Item[] = [
    ...ACTIONS.filter(({ id }) => id !== "palette").map((action) => ({ ...action, group: "Do" as const })),
    ...threads.map((thread) => ({
      id: thread.id,
      label: thread.title || "New chat",
      group: "Chats" as const,
      run: () => openThread(thread.id),
    })),
  ];
  const items = all.filter(({ label }) => fits(label, query)).slice(0, 60);
  const chosen = Math.min(at, items.length - 1);
  const pick = (item: Item | undefined): void => {
    if (item === undefined) return;
    setLayout({ palette: false });
    // After the dialog has given the focus back.
    setTimeout(item.run, 0);
  };
  const pressed = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const next = (chosen + step + items.length) % Math.max(1, items.length);
      setAt(next);
      document.getElementById(`palette-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      pick(items[chosen]);
    }
  };
  return (
    <>
      <input
        // biome-ignore lint/a11y/noAutofocus: the palette is opened to type
        autoFocus
        role="combobox"
        aria-label="Find"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={items.length > 0 ? `palette-${chosen}` : undefined}
        placeholder="Find a chat or something to do"
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(0);
        }}
        onKeyDown={pressed}
        className="h-12 shrink-0 border-b bg-transparent px-5 text-[15px] outline-none placeholder:text-faint-foreground max-sm:text-base"
      />
      <div
        id="palette-list"
        role="listbox"
        aria-label="Found"
        className="min-h-0 flex-1 overflow-y-auto p-2 sm:max-h-96"
      >
        {items.map((item, index) => (
          <div key={item.id}>
            {item.group === items[index - 1]?.group ? null : (
              <p role="presentation" className="px-3 pt-2 pb-1 text-faint-foreground text-xs">
                {item.group}
              </p>
            )}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the keys */}
            <div
              id={`palette-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              onClick={() => pick(item)}
              onPointerMove={() => setAt(index)}
              className={cn(
                "flex h-9 items-center gap-2 rounded-md px-3 text-[13px]",
                index === chosen && "bg-accent",
              )}
            >
              <span className="min-w-0 flex-1 truncate">{item.label}</span>
              {item.keys === undefined ? null : <Kbd>{keyLabel(item.keys)}</Kbd>}
            </div>
          </div>
        ))}
      </div>
      {items.length === 0 ? (
        <p className="px-5 pb-5 text-[13px] text-muted-foreground">Nothing by that name.</p>
      ) : null}
    </>
  );
}
