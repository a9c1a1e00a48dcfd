/** What one can say of an answer, typed. Knows no React. */

import { request } from "@/lib/api";

export interface FeedbackBody {
  readonly signal: "thumb" | "edited" | "preferred" | "copied";
  /** Of a thumb, -1 to 1; 0 takes back what was said. */
  readonly value?: number;
  readonly reason?: string;
  readonly text?: string;
  /** The answer of the same turn that was passed over. */
  readonly other?: string;
  readonly taskId?: string;
  /** The same twice counts once. */
  readonly key: string;
}

export const feedbackApi = {
  give: (runId: string, body: FeedbackBody) =>
    request<unknown>("POST", `/runs/${encodeURIComponent(runId)}/feedback`, body),
};
