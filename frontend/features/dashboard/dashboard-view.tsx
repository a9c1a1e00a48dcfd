"use client";

/** How Alma is doing, live and over time. */
export function DashboardView() {
  return <div data-slot="dashboard" className="flex min-h-0 flex-1 flex-col border-t" />;
}
