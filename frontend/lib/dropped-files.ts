/** The files of a drop or a choice, those in folders too, under the names that they are to have. Knows no React. */

import type { NamedFile } from "@/lib/knowledge-list";

/** Of a folder, so many at most. */
export const MOST_FILES = 2_000;

/** Whether what is being dragged has files in it. */
export function hasFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes("Files") ?? false;
}

/** Files that a person chose; of a folder with the path below it. */
export function chosenFiles(list: FileList | null): NamedFile[] {
  return [...(list ?? [])]
    .filter(({ name }) => !isHidden(name))
    .slice(0, MOST_FILES)
    .map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

/** What was dropped. To be called while the event is handled: the browser forgets it after that. */
export function droppedFiles(transfer: DataTransfer): Promise<NamedFile[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return Promise.resolve(chosenFiles(transfer.files));
  return filesBelow(entries);
}

async function filesBelow(entries: readonly FileSystemEntry[]): Promise<NamedFile[]> {
  const files: NamedFile[] = [];
  const waiting = entries.map((entry) => ({ entry, path: entry.name }));
  for (let next = waiting.shift(); next !== undefined && files.length < MOST_FILES; next = waiting.shift()) {
    const { entry, path } = next;
    if (isHidden(entry.name) && files.length + waiting.length > 0) continue;
    if (isFile(entry)) files.push({ name: path, file: await opened(entry) });
    else if (isFolder(entry))
      for (const child of await childrenOf(entry))
        waiting.push({ entry: child, path: `${path}/${child.name}` });
  }
  return files;
}

/** `.DS_Store` and its like are no files of a person. */
function isHidden(name: string): boolean {
  return name.startsWith(".");
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function opened(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** The browser gives a folder a hundred at a time, and none when there are no more. */
async function childrenOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (batch.length === 0 || children.length >= MOST_FILES) return children;
    children.push(...batch);
  }
}
