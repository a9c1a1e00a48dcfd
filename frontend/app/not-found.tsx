import type { Metadata } from "next";

export const metadata: Metadata = { title: "Not found – Alma" };

/** Any address that is none of ours. The build makes `404.html` of it. */
export default function NotFound() {
  return (
    <main data-slot="not-found" className="flex min-h-dvh flex-col px-4 sm:px-6">
      <a href="/" className="flex h-12 shrink-0 items-center font-semibold text-[15px] tracking-[-0.02em]">
        alma
      </a>
      <div className="m-auto w-full max-w-md space-y-3 py-16">
        <h1 className="font-medium text-lg">There is no page at this address.</h1>
        <p className="text-muted-foreground text-sm">Your chats are where they were.</p>
        <a
          href="/"
          className="inline-flex h-8 items-center rounded-md border border-input px-3 font-medium text-[13px] hover:bg-accent"
        >
          Go to Alma
        </a>
      </div>
    </main>
  );
}
