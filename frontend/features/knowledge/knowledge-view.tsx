"use client";

import { useEffect } from "react";
import { FileList } from "@/features/knowledge/file-list";
import { FilePage } from "@/features/knowledge/file-page";
import { useView } from "@/hooks/use-session";
import { knowledge } from "@/lib/knowledge-list";
import { session } from "@/lib/session";

/** The files that Alma has read: all of them, or the one that is open. */
export function KnowledgeView() {
  const { document } = useView();
  useEffect(() => {
    void knowledge.load();
    let wasOnline = session.connection.state.get().phase === "online";
    const stops = [
      session.documents.subscribe(() => {
        const told = session.documents.get();
        if (told !== null) knowledge.heard(told);
      }),
      session.connection.state.subscribe(() => {
        const online = session.connection.state.get().phase === "online";
        if (online && !wasOnline) void knowledge.load();
        wasOnline = online;
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
  return (
    <div data-slot="knowledge-view" className="flex min-h-0 min-w-0 flex-1 flex-col">
      {document === null ? <FileList /> : <FilePage key={document} documentId={document} />}
    </div>
  );
}
