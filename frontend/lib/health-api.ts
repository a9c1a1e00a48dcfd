/** What the doors of health, alerts, errors and reports take and give, typed. Knows no React. */

import { problemOf, request, unreachable } from "@/lib/api";
import type { components } from "@/lib/protocol.gen";

type Schemas = components["schemas"];

export type Health = Schemas["Health"];
export type HealthComponent = Schemas["Component"];
export type Alerts = Schemas["AlertsReply"];
export type AlertRule = Schemas["AlertRuleReply"];
export type PastAlert = Schemas["AlertReply"];
export type AlertChannel = Schemas["ChannelReply"];
export type ChannelTrial = Schemas["ChannelTestReply"];
export type Severity = AlertRule["severity"];
export type ErrorGroup = Schemas["ErrorGroupReply"];
export type ErrorState = ErrorGroup["state"];
export type ReportEntry = Schemas["ReportEntry"];
export type Report = Schemas["ReportReply"];

const seg = encodeURIComponent;

/** It stands beside the API and answers with 503 where something is down: that is an answer too. */
async function health(fresh: boolean, signal?: AbortSignal): Promise<Health> {
  let response: Response;
  try {
    response = await fetch(fresh ? "/health?fresh=1" : "/health", { signal });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw unreachable();
  }
  if (!response.ok && response.status !== 503) throw await problemOf(response);
  return (await response.json()) as Health;
}

export const healthApi = {
  health,
  alerts: (signal?: AbortSignal) => request<Alerts>("GET", "/alerts", undefined, signal),
  /** 0 minutes: it is told of again. */
  silence: (rule: string, minutes: number, reason: string) =>
    request<AlertRule>("PUT", `/alerts/rules/${seg(rule)}/silence`, { minutes, reason }),
  testChannel: (channel: AlertChannel["name"]) => request<ChannelTrial>("POST", "/alerts/test", { channel }),
  errors: (signal?: AbortSignal) =>
    request<{ groups: ErrorGroup[] }>("GET", "/errors?limit=500", undefined, signal),
  setErrorState: (fingerprint: string, state: ErrorState) =>
    request<ErrorGroup>("PATCH", `/errors/${seg(fingerprint)}`, { state }),
  reports: (signal?: AbortSignal) =>
    request<{ reports: ReportEntry[] }>("GET", "/reports", undefined, signal),
  report: (day: string, signal?: AbortSignal) =>
    request<Report>("GET", `/reports/${seg(day)}`, undefined, signal),
  makeReport: (day: string) => request<Report>("PUT", `/reports/${seg(day)}`),
};
