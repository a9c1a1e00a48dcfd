import { Search, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Kbd } from "@/components/ui/kbd";
import { useView } from "@/hooks/use-session";
import { go, location } from "@/lib/location";
import { formatFilters, parseFilters } from "@/lib/memory-query";

const PAUSE_MS = 150;

/** Searches while one types; the address follows a moment later. */
export function SearchField() {
  const asked = parseFilters(useView().find).text;
  const [typed, setTyped] = useState(asked);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // Back and forth in the history; what is being typed comes first.
  useEffect(() => {
    if (timer.current === undefined) setTyped(asked);
  }, [asked]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const ask = (text: string): void => {
    timer.current = undefined;
    go({ find: formatFilters({ ...parseFilters(location.get().find), text: text.trim() }) }, "replace");
  };
  const type = (text: string): void => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => ask(text), PAUSE_MS);
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && typed !== "") {
      event.preventDefault();
      type("");
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      document.querySelector<HTMLElement>("[data-slot=memory-open]")?.focus();
    }
  };
  return (
    <div className="relative">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-3 size-4 -translate-y-1/2 text-faint-foreground"
      />
      <Input
        ref={field}
        id="memory-search"
        type="text"
        role="searchbox"
        enterKeyHint="search"
        autoComplete="off"
        aria-label="Search memory"
        aria-keyshortcuts="/"
        data-slot="memory-search"
        placeholder="Search by meaning or by words"
        value={typed}
        onChange={(event) => type(event.target.value)}
        onKeyDown={pressed}
        className="peer h-9 pr-9 pl-9 text-sm"
      />
      {typed === "" ? (
        <Kbd className="pointer-events-none absolute top-1/2 right-2.5 -translate-y-1/2 text-faint-foreground peer-focus:hidden max-sm:hidden">
          /
        </Kbd>
      ) : (
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label="Clear the search"
          className="absolute top-1/2 right-1 -translate-y-1/2"
          onClick={() => {
            type("");
            field.current?.focus();
          }}
        >
          <X aria-hidden />
        </Button>
      )}
    </div>
  );
}
