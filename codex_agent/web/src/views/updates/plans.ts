// SPDX-License-Identifier: Apache-2.0
import type { Action, Known, Request, Version } from "../../api/updates";
import { bytes } from "../../format/quantity";
import { NOT_SAID, offerNow, otherSlotWords, otherVersion, startsNext, workNow, type Facts } from "./facts";

/** A button, and what its dialog says before anything happens. */
export interface Plan {
  readonly action: Action;
  /** On the button. */
  readonly label: string;
  /** What is asked for; null where it cannot be done now. */
  readonly request: Request | null;
  /** Beside the button: what it does, or why it cannot be done. */
  readonly note: string;
  readonly question: string;
  /** What will happen, one sentence a point. */
  readonly points: readonly string[];
}

type Can = Pick<Plan, "request" | "note" | "question" | "points">;

function cannot(note: string): Can {
  return { request: null, note, question: "", points: [] };
}

function ended(sentence: string): string {
  return sentence.endsWith(".") ? sentence : `${sentence}.`;
}

/** Why nothing at all can be asked for; null where something can. */
export function closedBecause({ updates, stale }: Facts): string | null {
  if (stale) return "The host is not heard at the moment.";
  if (updates === null) return `It is not known how updates stand: ${NOT_SAID}.`;
  if (updates.closed !== null) return updates.closed;
  if (updates.known === null) return `It is not known how updates stand: ${updates.reason ?? "no reason was given"}.`;
  return workNow(updates) === null ? null : "Something is under way; it has to end first.";
}

function check({ standing }: Known): Can {
  const { source } = standing.policy;
  if (source === null) return cannot("This host has no source of updates: set source in /etc/codex/update.toml.");
  return {
    request: { action: "check" },
    note: "Looks at what the source offers.",
    question: "Look for updates?",
    points: [
      `The host asks ${source} what it offers, and checks the signature of the answer.`,
      "Nothing is written, and nothing that runs is touched.",
    ],
  };
}

function apply(known: Known, slot: string | null): Can {
  const { standing } = known;
  const { offered: version, running } = standing;
  if (version === null || running === null) return cannot("Nothing was looked for yet: check first.");
  if (version === running) return cannot(`Version ${running} is running, and nothing newer was offered.`);
  const offer = offerNow(known);
  if (offer !== null && offer.refused !== null) return cannot(offer.refused.message);
  if (offer !== null && !offer.newer) return cannot(`Version ${version} is not newer than ${running}.`);
  const bad = standing.given_up[version];
  if (bad !== undefined) return cannot(ended(`Version ${version} was given up here: ${bad}`));
  if (startsNext(known)?.version === version) return cannot(`Version ${version} is written already, and starts next.`);
  if (standing.boot !== "blessed") {
    const why = standing.boot_reason ?? "no reason was given";
    return cannot(ended(`Version ${running} has not been found good yet, and would lose its fallback: ${why}`));
  }
  const other = otherVersion(known);
  const over = other === null || other.version === version ? "" : ` over version ${other.version}, which is lost`;
  const size = offer === null ? "" : ` (${bytes(offer.whole_bytes)} in all; of the root only what differs)`;
  return {
    request: { action: "apply", version },
    note: `Fetches version ${version} and writes it into ${otherSlotWords(slot)}.`,
    question: `Update to version ${version}?`,
    points: [
      `Version ${version} is fetched from ${standing.policy.source ?? "the source of the policy"}${size}, and its signature is checked.`,
      `It is written into ${otherSlotWords(slot)}${over}.`,
      "It starts at the next restart of the host and not before. Until then nothing that runs is touched.",
      `If it does not start well in three tries, version ${running} comes back by itself.`,
    ],
  };
}

/** The version that was written and may start next; null where none waits. */
function waiting({ standing }: Known): string | null {
  const { begun, running, given_up } = standing;
  if (begun?.stage !== "written" || begun.version === null || begun.version === running) return null;
  return given_up[begun.version] === undefined ? begun.version : null;
}

function takeBack(written: string, running: string, slot: string | null): Can {
  return {
    request: { action: "rollback", version: running },
    note: `Takes version ${written} back: version ${running} starts next as well.`,
    question: `Take version ${written} back?`,
    points: [
      `Version ${running} starts at the next restart as well. The host does not restart now.`,
      `Version ${written} stays in ${otherSlotWords(slot)}, and is noted as one that was taken back: it is not taken again by itself.`,
    ],
  };
}

function whyNotBack(version: Version): string | null {
  if (version.given_up !== null) return ended(`Version ${version.version} was given up here: ${version.given_up}`);
  if (version.standing !== "good") return `Version ${version.version} has not been found good here yet.`;
  if (version.whole === false) return `Version ${version.version} is not whole in its slot.`;
  return version.starts_next ? `Version ${version.version} starts next already.` : null;
}

/** What follows when a version that is not on trial does not start well: `count-boots` in the initrd. */
function afterGood({ version }: Version, known: Known): string {
  const good = `Version ${version} was found good here before, so it is not on trial`;
  const from = known.standing.versions.find((one) => one.running);
  if (from === undefined || from.standing === "bad")
    return `${good}: should it fail now, nothing comes back by itself.`;
  return `${good}: after a bad verdict the host stays with it. After three starts in a row without any verdict version ${from.version} is started once.`;
}

function rollback(known: Known, slot: string | null): Can {
  const { running } = known.standing;
  const other = otherVersion(known);
  if (other === null || running === null) return cannot("This host has no other version.");
  const written = waiting(known);
  if (written !== null) return takeBack(written, running, slot);
  const why = whyNotBack(other);
  if (why !== null) return cannot(why);
  return {
    request: { action: "rollback", version: other.version },
    note: `Lets version ${other.version} start next.`,
    question: `Go back to version ${other.version}?`,
    points: [
      `Version ${other.version} in ${otherSlotWords(slot)} starts from the next restart on. It does not restart now.`,
      "Nothing is written over: both versions stay in their slots.",
      `Version ${running} is noted as one that was gone back from, and is not taken again by itself.`,
      afterGood(other, known),
    ],
  };
}

function restart(known: Known, slot: string | null): Can {
  const { running, policy } = known.standing;
  const next = startsNext(known);
  if (next === null || running === null) return cannot("It is not known what starts next.");
  if (next.running) return cannot(`A restart would bring version ${running} again.`);
  const drains = policy.drains ? ["First the commands of the policy take the host out of service (drain_before)."] : [];
  const trial =
    next.standing === "good"
      ? afterGood(next, known)
      : `Version ${next.version} is on trial: if it does not start well, the host restarts, and after ${next.tries_left ?? 3} tries version ${running} comes back by itself.`;
  return {
    request: { action: "restart", version: next.version },
    note: `Restarts the host into version ${next.version}.`,
    question: `Restart into version ${next.version}?`,
    points: [
      ...drains,
      "The host restarts now. All that runs on it ends, and this page loses it until it is back.",
      `It starts version ${next.version} from ${otherSlotWords(slot)}.`,
      trial,
    ],
  };
}

const LABELS = { check: "Check", apply: "Update", rollback: "Go back", restart: "Restart" } as const;
const HOW = { check, apply, rollback, restart } as const;

/** What can be asked for now, and why the rest cannot. */
export function plansFor(facts: Facts): readonly Plan[] {
  const closed = closedBecause(facts);
  const known = facts.updates?.known ?? null;
  return (["check", "apply", "rollback", "restart"] as const).map((action) => ({
    action,
    label: LABELS[action],
    ...(closed !== null || known === null ? cannot(closed ?? "") : HOW[action](known, facts.host.slot)),
  }));
}

/** The same wish: what was read in the dialog is still what would be asked for. */
export function sameRequest(one: Request | null, other: Request | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
