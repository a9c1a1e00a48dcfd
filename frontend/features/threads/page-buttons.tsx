"use client";

import { Brain, ChartLine, GraduationCap, HeartPulse, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Tooltip } from "@/components/ui/tooltip";
import { useAdmin, useView } from "@/hooks/use-session";
import { useStore } from "@/hooks/use-store";
import { cn } from "@/lib/cn";
import { setLayout } from "@/lib/layout";
import { go, isMemoryPage, type Page } from "@/lib/location";
import { standing } from "@/lib/standing";

/** What belongs to no chat stands above them; what is of everybody, administrators see. */
export function PageButtons() {
  const { page } = useView();
  const isAdmin = useAdmin();
  return (
    <>
      <PageButton
        page="memory"
        label="Memory"
        tip="What Alma remembers"
        shortcut="mod+shift+l"
        icon={Brain}
        isOpen={isMemoryPage(page)}
      />
      <PageButton
        page="learning"
        label="Learning"
        tip="What Alma learns"
        shortcut="mod+shift+e"
        icon={GraduationCap}
        isOpen={page === "learning"}
      />
      {isAdmin ? (
        <PageButton
          page="dashboard"
          label="Dashboard"
          tip="How Alma is doing"
          shortcut="mod+shift+d"
          icon={ChartLine}
          isOpen={page === "dashboard"}
        />
      ) : null}
      <PageButton
        page="health"
        label="Health"
        tip="Whether all is well"
        shortcut="mod+shift+h"
        icon={HeartPulse}
        isOpen={page === "health"}
      >
        <HealthMark />
      </PageButton>
    </>
  );
}

interface PageButtonProps {
  page: Page;
  label: string;
  tip: string;
  shortcut?: string;
  icon: LucideIcon;
  isOpen: boolean;
  children?: ReactNode;
}

/** Nothing while all is well; by colour, shape and word. */
function HealthMark() {
  const how = useStore(standing);
  if (how === "ok") return null;
  return (
    <span
      data-slot="health-mark"
      data-status={how}
      role="img"
      aria-label={how === "down" ? "needs attention" : "not all is well"}
      className={cn(
        "ml-auto size-2",
        how === "down" ? "rotate-45 bg-destructive" : "rounded-full bg-caution",
      )}
    />
  );
}

function PageButton({ page, label, tip, shortcut, icon: Icon, isOpen, children }: PageButtonProps) {
  return (
    <Tooltip label={tip} shortcut={shortcut} side="right">
      <Button
        variant="ghost"
        size="md"
        data-slot={`open-${page}`}
        aria-current={isOpen ? "page" : undefined}
        className={cn(
          "mx-2 justify-start px-2 font-normal max-sm:h-10",
          isOpen && "bg-accent text-foreground",
        )}
        onClick={() => {
          setLayout({ drawer: false });
          go({ page, memory: null });
        }}
      >
        <Icon aria-hidden />
        {label}
        {children}
      </Button>
    </Tooltip>
  );
}
