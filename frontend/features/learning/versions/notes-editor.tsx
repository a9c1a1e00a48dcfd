"use client";

import { Plus, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import {
  MOST_NOTE_CHARS,
  MOST_NOTES,
  type NoteDraft,
  notesContent,
  notesOf,
  withNote,
} from "@/lib/version-draft";

interface EditorProps {
  content: string;
  onChange: (content: string) => void;
}

/** Notes, a sentence each. */
export function NotesEditor({ content, onChange }: EditorProps) {
  const [notes, setNotes] = useState<readonly NoteDraft[]>(() => {
    const found = notesOf(content);
    return found.length === 0 ? withNote([]) : found;
  });
  const change = (next: readonly NoteDraft[]): void => {
    setNotes(next);
    onChange(notesContent(next));
  };
  return (
    <div className="space-y-2">
      <ol className="space-y-2">
        {notes.map((note, at) => (
          <li key={note.id} className="flex items-start gap-2">
            <textarea
              dir="auto"
              rows={1}
              maxLength={MOST_NOTE_CHARS}
              data-slot="note-text"
              aria-label={`Note ${at + 1}`}
              placeholder="Name your sources."
              value={note.text}
              onChange={(event) =>
                change(notes.map((one) => (one.id === note.id ? { ...one, text: event.target.value } : one)))
              }
              className="field-sizing-content min-h-8 w-full resize-none rounded-md border border-input bg-transparent px-2.5 py-1.5 text-[13px] leading-5 outline-none placeholder:text-faint-foreground focus-visible:border-ring focus-visible:ring-2 focus-visible:ring-ring/25 max-sm:text-base"
            />
            <Button
              variant="ghost"
              size="icon"
              aria-label={`Remove note ${at + 1}`}
              onClick={() => change(notes.filter(({ id }) => id !== note.id))}
            >
              <X aria-hidden />
            </Button>
          </li>
        ))}
      </ol>
      <Button
        size="sm"
        data-slot="add-note"
        disabled={notes.length >= MOST_NOTES}
        onClick={() => setNotes(withNote(notes))}
      >
        <Plus aria-hidden /> Add a note
      </Button>
    </div>
  );
}
