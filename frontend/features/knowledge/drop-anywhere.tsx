"use client";

import { FileUp } from "lucide-react";
import { useEffect, useState } from "react";
import { droppedFiles, hasFiles } from "@/lib/dropped-files";
import { knowledge } from "@/lib/knowledge-list";
import { go } from "@/lib/location";

/** While what is remembered is on the screen, files may be dropped anywhere on it. */
export function DropAnywhere() {
  const over = useFileDrop();
  if (!over) return null;
  return (
    <section
      data-slot="drop-anywhere"
      aria-label="Drop files"
      className="pointer-events-none fixed inset-0 z-40 grid animate-appear place-items-center bg-background/80 p-6"
    >
      <p className="flex items-center gap-3 rounded-xl border border-primary border-dashed bg-primary-tint px-6 py-5 text-[15px]">
        <FileUp aria-hidden className="size-5 text-primary" />
        Drop, and Alma reads it
      </p>
    </section>
  );
}

/** Whether files are being dragged over the page. */
function useFileDrop(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const enter = (event: DragEvent): void => {
      if (!hasFiles(event.dataTransfer)) return;
      // Or else the browser would open the file instead of the page.
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      setOver(false);
      const { dataTransfer } = event;
      if (dataTransfer === null || !hasFiles(dataTransfer)) return;
      event.preventDefault();
      void droppedFiles(dataTransfer).then((files) => knowledge.put(files));
      go({ page: "knowledge", document: null, memory: null });
    };
    const listeners = [
      ["dragenter", enter],
      ["dragover", enter],
      ["dragleave", leave],
      ["drop", drop],
    ] as const;
    for (const [name, listener] of listeners) window.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of listeners) window.removeEventListener(name, listener);
    };
  }, []);
  return over;
}
