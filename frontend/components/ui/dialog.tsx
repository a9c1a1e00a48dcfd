import { X } from "lucide-react";
import { Dialog as Primitive } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";

export const Dialog = Primitive.Root;

interface DialogContentProps extends Omit<ComponentProps<typeof Primitive.Content>, "title"> {
  title: ReactNode;
  /** One line under the title, or `null` for none. */
  description: ReactNode | null;
  /** `center` on the screen (a full page on a phone), or a drawer at the `left`. */
  placement?: "center" | "left";
  /** The title is only for screen readers. */
  bare?: boolean;
}

export function DialogContent({
  title,
  description,
  placement = "center",
  bare = false,
  className,
  children,
  ...props
}: DialogContentProps) {
  return (
    <Primitive.Portal>
      <Primitive.Overlay className="fixed inset-0 z-40 animate-appear bg-black/25 dark:bg-black/50" />
      <Primitive.Content
        data-slot="dialog"
        onOpenAutoFocus={(event) => {
          // A drawer is read first; no button in it, and no tooltip of one, comes before.
          if (placement !== "left" || !(event.currentTarget instanceof HTMLElement)) return;
          event.preventDefault();
          event.currentTarget.focus();
        }}
        onEscapeKeyDown={(event) => {
          // A question or a form within it is closed first, by itself.
          if (event.target instanceof Element && event.target.closest("[data-escape]"))
            event.preventDefault();
        }}
        {...(description === null ? { "aria-describedby": undefined } : {})}
        className={cn(
          "fixed z-40 flex flex-col bg-popover outline-none",
          placement === "left"
            ? "inset-y-0 left-0 w-[min(320px,86vw)] animate-slide-in border-r"
            : "inset-0 animate-appear sm:inset-auto sm:top-[max(24px,8vh)] sm:left-1/2 sm:max-h-[84vh] sm:w-[min(640px,calc(100vw-32px))] sm:-translate-x-1/2 sm:rounded-xl sm:border sm:shadow-black/10 sm:shadow-xl",
          className,
        )}
        {...props}
      >
        <div className={cn(bare ? "sr-only" : "flex items-start gap-3 px-5 pt-4 pb-3")}>
          <div className="min-w-0 flex-1">
            <Primitive.Title className="font-semibold text-[15px] leading-6">{title}</Primitive.Title>
            {description === null ? null : (
              <Primitive.Description className="text-[13px] text-muted-foreground">
                {description}
              </Primitive.Description>
            )}
          </div>
          {bare ? null : (
            <Primitive.Close asChild>
              <Button variant="ghost" size="icon-sm" aria-label="Close" className="-mr-1.5">
                <X aria-hidden />
              </Button>
            </Primitive.Close>
          )}
        </div>
        {children}
      </Primitive.Content>
    </Primitive.Portal>
  );
}
