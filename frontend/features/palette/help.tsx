"use client";

import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Kbd } from "@/components/ui/kbd";
import { useStore } from "@/hooks/use-store";
import { ACTIONS, keyLabel } from "@/lib/actions";
import { layout, setLayout } from "@/lib/layout";

const IN_THE_FIELD = [
  { label: "Send", keys: "Enter" },
  { label: "New line", keys: "Shift+Enter" },
  { label: "Stop the answer", keys: "Esc" },
] as const;

/** The keys, in one place. */
export function Help() {
  const { help } = useStore(layout);
  return (
    <Dialog open={help} onOpenChange={(open) => setLayout({ help: open })}>
      <DialogContent
        data-slot="help"
        title="Keyboard shortcuts"
        description={null}
        className="sm:w-[min(440px,calc(100vw-32px))]"
      >
        <dl className="divide-y overflow-y-auto px-5 pb-5 text-[13px]">
          {ACTIONS.map(({ id, label, keys }) =>
            keys === undefined ? null : <Line key={id} label={label} keys={keyLabel(keys)} />,
          )}
          {IN_THE_FIELD.map(({ label, keys }) => (
            <Line key={label} label={label} keys={keys} />
          ))}
        </dl>
      </DialogContent>
    </Dialog>
  );
}

function Line({ label, keys }: { label: string; keys: string }) {
  return (
    <div className="flex items-center justify-between py-2">
      <dt>{label}</dt>
      <dd>
        <Kbd>{keys}</Kbd>
      </dd>
    </div>
  );
}
