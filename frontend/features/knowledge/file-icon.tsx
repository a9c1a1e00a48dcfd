import { FileCode, FileSpreadsheet, FileText, FileType, Globe, type LucideIcon } from "lucide-react";
import { cn } from "@/lib/cn";
import { endingOf } from "@/lib/knowledge-words";

const ICONS: Readonly<Record<string, LucideIcon>> = {
  md: FileText,
  markdown: FileText,
  txt: FileText,
  rst: FileText,
  docx: FileType,
  pdf: FileType,
  csv: FileSpreadsheet,
  tsv: FileSpreadsheet,
  html: Globe,
  htm: Globe,
};

/** The kind of a file, by the ending of its name. */
export function FileIcon({ name, className }: { name: string; className?: string }) {
  const ending = endingOf(name);
  const Icon = ending === "" ? FileText : (ICONS[ending] ?? FileCode);
  return <Icon aria-hidden className={cn("size-4 shrink-0 text-faint-foreground", className)} />;
}
