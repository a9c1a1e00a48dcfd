import { useCallback, useEffect, useRef, useState } from "react";

const NEAR_END_PX = 64;

export interface Follow {
  /** The element that scrolls. */
  scroller: (element: HTMLElement | null) => void;
  /** What grows in it. */
  content: (element: HTMLElement | null) => void;
  atEnd: boolean;
  toEnd: () => void;
}

/**
 * Keeps the end of a growing text in sight while the reader is there. The size observer runs after layout and before
 * paint, so there is one write of `scrollTop` per frame and no forced layout; a reader who scrolled up is left alone.
 */
export function useFollow(): Follow {
  const scrollerRef = useRef<HTMLElement | null>(null);
  const contentRef = useRef<HTMLElement | null>(null);
  const following = useRef(true);
  const [atEnd, setAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    following.current = true;
    setAtEnd(true);
    const scroller = scrollerRef.current;
    if (scroller !== null) scroller.scrollTop = scroller.scrollHeight;
  }, []);

  useEffect(() => {
    const scroller = scrollerRef.current;
    const content = contentRef.current;
    if (scroller === null || content === null) return;
    const observer = new ResizeObserver(() => {
      if (following.current) scroller.scrollTop = scroller.scrollHeight;
    });
    observer.observe(content);
    observer.observe(scroller);
    let last = scroller.scrollTop;
    const scrolled = (): void => {
      const top = scroller.scrollTop;
      const left = scroller.scrollHeight - top - scroller.clientHeight;
      if (top < last - 1 && left > 2) following.current = false;
      else if (left < NEAR_END_PX) following.current = true;
      last = top;
      setAtEnd(left < NEAR_END_PX);
    };
    scroller.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      observer.disconnect();
      scroller.removeEventListener("scroll", scrolled);
    };
  }, []);

  const scroller = useCallback((element: HTMLElement | null) => {
    scrollerRef.current = element;
  }, []);
  const content = useCallback((element: HTMLElement | null) => {
    contentRef.current = element;
  }, []);
  return { scroller, content, atEnd, toEnd };
}
