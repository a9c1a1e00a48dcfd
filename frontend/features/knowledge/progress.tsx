/** How much is done, 0 to 1; `null`: that is not known. */
export function Progress({ share, label }: { share: number | null; label: string }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      {...(share === null ? {} : { "aria-valuenow": Math.round(share * 100) })}
      className="h-[3px] w-full max-w-80 overflow-hidden rounded-full bg-muted"
    >
      <div
        className={
          share === null
            ? "h-full w-1/4 animate-breathe rounded-full bg-primary"
            : "h-full rounded-full bg-primary"
        }
        style={share === null ? undefined : { width: `${Math.max(1, share * 100)}%` }}
      />
    </div>
  );
}
