/** The experiments that are looked at, and the one that is open. Knows no React. */

import { EMPTY, type ExperimentDraft } from "@/lib/experiment-draft";
import {
  type Experiment,
  type ExperimentStanding,
  experimentsApi,
  type Results,
} from "@/lib/experiments-api";
import { Remote } from "@/lib/remote";
import { writable } from "@/lib/store";

export const experiments = new Remote<readonly Experiment[]>(
  async (signal) => (await experimentsApi.list(signal)).experiments,
);

/** One experiment: how it stands, and what came of it until now. */
export class OpenExperiment {
  readonly standing: Remote<ExperimentStanding>;
  readonly results: Remote<Results>;

  constructor(readonly id: string) {
    this.standing = new Remote((signal) => experimentsApi.read(id, signal));
    this.results = new Remote((signal) => experimentsApi.results(id, signal));
  }
}

/** What is being filled in; it stays while one looks elsewhere. */
export const draft = writable<ExperimentDraft>(EMPTY);
