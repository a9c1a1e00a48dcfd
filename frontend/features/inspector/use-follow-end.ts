import { type RefObject, useEffect, useRef } from "react";

const NEAR = 24;

/** Keeps the end of what grows in a scrolling box in sight, for as long as one has not scrolled away from it. */
export function useFollowEnd(): {
  box: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
} {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const scroller = box.current;
    if (scroller === null || content.current === null) return;
    let atEnd = true;
    const scrolled = (): void => {
      atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    };
    const grown = new ResizeObserver(() => {
      if (atEnd) scroller.scrollTop = scroller.scrollHeight;
    });
    scroller.addEventListener("scroll", scrolled, { passive: true });
    grown.observe(content.current);
    return () => {
      scroller.removeEventListener("scroll", scrolled);
      grown.disconnect();
    };
  }, []);
  return { box, content };
}
