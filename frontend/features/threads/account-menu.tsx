"use client";

import { CircleUserRound, KeyRound, LogOut } from "lucide-react";
import { Button } from "@/components/ui/button";
import {
  DropdownMenu,
  DropdownMenuContent,
  DropdownMenuItem,
  DropdownMenuLabel,
  DropdownMenuSeparator,
  DropdownMenuTrigger,
} from "@/components/ui/dropdown-menu";
import { Tooltip } from "@/components/ui/tooltip";
import { usePart } from "@/hooks/use-store";
import { signOut } from "@/lib/access-api";
import { factsOf } from "@/lib/api";
import { setLayout } from "@/lib/layout";
import { go } from "@/lib/location";
import { session } from "@/lib/session";

async function leave(): Promise<void> {
  try {
    await signOut();
  } catch (cause) {
    session.notices.error(factsOf(cause));
  }
}

/** Who I am here, and the way out. Only where one has signed in. */
export function AccountMenu() {
  const welcome = usePart(session.connection.state, (state) => state.welcome);
  const { owner = "", token = "", admin = false } = welcome ?? {};
  return (
    <DropdownMenu>
      <Tooltip label={`Signed in as ${owner}`}>
        <DropdownMenuTrigger asChild>
          <Button variant="ghost" size="icon" aria-label={`Signed in as ${owner}`} data-slot="account">
            <CircleUserRound aria-hidden />
          </Button>
        </DropdownMenuTrigger>
      </Tooltip>
      <DropdownMenuContent align="end" data-slot="account-menu">
        <DropdownMenuLabel>
          <span className="block break-words text-foreground text-[13px]">{owner}</span>
          <span className="block break-words">
            {admin ? "Administrator" : "Signed in"} by the token “{token}”
          </span>
        </DropdownMenuLabel>
        <DropdownMenuSeparator />
        {admin ? (
          <DropdownMenuItem
            data-slot="open-tokens"
            onSelect={() => {
              setLayout({ drawer: false });
              go({ page: "health", part: "tokens", dialog: null });
            }}
          >
            <KeyRound aria-hidden /> Access tokens
          </DropdownMenuItem>
        ) : null}
        <DropdownMenuItem data-slot="sign-out" onSelect={() => void leave()}>
          <LogOut aria-hidden /> Sign out
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
