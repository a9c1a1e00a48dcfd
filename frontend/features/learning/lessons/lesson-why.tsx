"use client";

import { useEffect } from "react";
import { WhyRuns } from "@/features/learning/records/why-runs";
import { useStore } from "@/hooks/use-store";
import { FIRST_RUNS, why } from "@/lib/records";

/** Why an approved answer is believed to be of that use: every task that was told it and of which something is known. */
export function LessonWhy({ id }: { id: string }) {
  const { value } = useStore(why.state);
  const item = `example:${id}`;
  useEffect(() => why.about({ item, context: "", limit: FIRST_RUNS }), [item]);
  const told = value?.query.item === item && value.query.context === "" ? value.reply : null;
  return <WhyRuns told={told} item={item} context="" />;
}
