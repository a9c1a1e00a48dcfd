/** What of the map is on the screen, and who may move it. */

import {
  fitted,
  type Lens,
  near,
  pinched,
  type Size,
  type Spot,
  shifted,
  withSpot,
  zoomed,
} from "@/lib/map-geometry";
import { type Readable, writable } from "@/lib/store";

const START: Lens = { x: 0, y: 0, scale: 200 };
export const STEP = 1.5;

/** Shows everything until a person moves it; from then on it stays where it was put. */
export class MapLens {
  private readonly store = writable<Lens>(START);
  readonly lens: Readable<Lens> = this.store;
  private readonly sized = writable<Size>({ width: 0, height: 0 });
  readonly size: Readable<Size> = this.sized;
  private spots: readonly Spot[] = [];
  private moved = false;

  /** The scale at which all is seen. */
  get fit(): number {
    return fitted(this.spots, this.sized.get()).scale;
  }

  show(spots: readonly Spot[]): void {
    this.spots = spots;
    this.settle();
  }

  resize(size: Size): void {
    this.sized.set(size);
    this.settle();
  }

  showAll(): void {
    this.moved = false;
    this.settle();
  }

  shift(dx: number, dy: number): void {
    this.move(near(shifted(this.store.get(), dx, dy), this.spots));
  }

  zoom(factor: number, at: Spot = this.middle()): void {
    const size = this.sized.get();
    this.move(withSpot(zoomed(this.store.get(), size, at, factor, this.fit), size, this.spots));
  }

  pinch(before: readonly [Spot, Spot], after: readonly [Spot, Spot]): void {
    const size = this.sized.get();
    this.move(withSpot(pinched(this.store.get(), size, before, after, this.fit), size, this.spots));
  }

  private middle(): Spot {
    const { width, height } = this.sized.get();
    return { x: width / 2, y: height / 2 };
  }

  private move(lens: Lens): void {
    this.moved = true;
    this.store.set(lens);
  }

  private settle(): void {
    if (!this.moved) this.store.set(fitted(this.spots, this.sized.get()));
  }
}
