"use client";

import { CircleUserRound, KeyRound, LogOut } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Popover, PopoverClose, PopoverContent, PopoverTrigger } from "@/components/ui/popover";
import { Tooltip } from "@/components/ui/tooltip";
import { usePart } from "@/hooks/use-store";
import { signOut } from "@/lib/access-api";
import { factsOf } from "@/lib/api";
import { LOCAL } from "@/lib/entry";
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
  const { owner = LOCAL, token = "", admin = true } = welcome ?? {};
  return (
    <Popover>
      <Tooltip label={`Signed in as ${owner}`}>
        <PopoverTrigger asChild>
          <Button variant="ghost" size="icon" aria-label={`Signed in as ${owner}`} data-slot="account">
            <CircleUserRound aria-hidden />
          </Button>
        </PopoverTrigger>
      </Tooltip>
      <PopoverContent aria-label="You" align="end" data-slot="account-menu" className="w-60 p-1">
        <div className="border-b px-2 pt-2 pb-2.5">
          <p className="break-words text-[13px]">{owner}</p>
          <p className="break-words text-faint-foreground text-xs">
            {admin ? "Administrator" : "Signed in"} by the token “{token}”
          </p>
        </div>
        <div className="flex flex-col pt-1">
          {admin ? (
            <PopoverClose asChild>
              <Button
                variant="ghost"
                data-slot="open-tokens"
                className="justify-start px-2 font-normal max-sm:h-10"
                onClick={() => {
                  setLayout({ drawer: false });
                  go({ page: "health", part: "tokens", dialog: null });
                }}
              >
                <KeyRound aria-hidden /> Access tokens
              </Button>
            </PopoverClose>
          ) : null}
          <Button
            variant="ghost"
            data-slot="sign-out"
            className="justify-start px-2 font-normal max-sm:h-10"
            onClick={() => void leave()}
          >
            <LogOut aria-hidden /> Sign out
          </Button>
        </div>
      </PopoverContent>
    </Popover>
  );
}
