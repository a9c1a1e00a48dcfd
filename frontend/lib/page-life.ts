/** When a person comes back to the page, and when they leave it. Gives back how to stop. */
export function followPage(back: () => void, leave: () => void): () => void {
  const seen = (): void => {
    if (document.visibilityState === "visible") back();
  };
  window.addEventListener("online", seen);
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pagehide", leave);
  return () => {
    window.removeEventListener("online", seen);
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("pagehide", leave);
  };
}
