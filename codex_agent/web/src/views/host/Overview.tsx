// SPDX-License-Identifier: Apache-2.0
import { counted } from "../../format/text";
import { timeOfDay } from "../../format/time";
import type { HostSnapshot } from "../../api/host";
import { isStale, pageState, verdictNow, type AppState, type Held } from "../../state/app";
import { HostText, Unavailable } from "../../ui/Field";
import { Icon, toneOfVerdict } from "../../ui/Icon";
import { Prose } from "../../ui/Prose";
import { inOrderOfConcern } from "./checks";

/** The verdict in a sentence: what is wrong first, else what was looked at. */
export function verdictSentence(host: HostSnapshot): string {
  const { state, checks } = host.verdict;
  const [first, ...others] = inOrderOfConcern(checks).filter((check) => check.state === state);
  if (state !== "healthy" && first !== undefined) {
    const more = others.length > 0 ? ` And ${counted(others.length, "check")} more.` : "";
    return `${first.message}${more}`;
  }
  if (checks.length === 0) return "The host ran no check.";
  const passed = checks.filter((check) => check.state === "ok").length;
  const skipped = checks.filter((check) => check.state === "skipped").length;
  const rest = skipped > 0 ? `, ${skipped} skipped` : "";
  return `${passed} of ${counted(checks.length, "check")} passed${rest}.`;
}

/** What stands under the verdict: the host's reasons, or why they cannot be claimed any more. */
function sentenceNow(state: AppState, { host, receivedAt }: Held): string {
  const said = `At ${timeOfDay(receivedAt)} it said: ${host.verdict.state}.`;
  if (state.link.state === "offline") return `The host does not answer. ${said}`;
  if (pageState(state) === "error") return `What the host says now cannot be shown. ${said}`;
  return verdictSentence(host);
}

function Verdict({ state, held }: { readonly state: AppState; readonly held: Held }) {
  const now = verdictNow(state) ?? "unknown";
  const stale = isStale(state);
  const tone = toneOfVerdict(now);
  return (
    <div class={`verdict verdict-${tone}`} data-testid="verdict" data-verdict={now} data-stale={stale}>
      <Icon tone={tone} size="large" />
      <div class="verdict-text">
        <p class="verdict-word">
          <span class="hidden">Verdict: </span>
          <strong>{now}</strong>
          {stale && <span class="tag">stale</span>}
        </p>
        <p class="verdict-sentence">
          <Prose text={sentenceNow(state, held)} />
        </p>
      </div>
    </div>
  );
}

const DELIVERIES = { image: "sealed image", host: "provisioned host" } as const;

/** Who the host is and how it is. */
export function Overview({ state, held }: { readonly state: AppState; readonly held: Held }) {
  const { host } = held;
  const { image, delivery } = host;
  return (
    <div class="overview">
      <div class="identity">
        <h1 data-testid="hostname">{host.hostname === null ? "unnamed host" : <HostText text={host.hostname} />}</h1>
        <p class="identity-image">
          {image === null ? (
            <span data-testid="image-version">
              image <Unavailable path="image" />
            </span>
          ) : (
            <>
              <span data-testid="image-id">
                {image.id === null ? <Unavailable path="image.id" /> : <HostText text={image.id} />}
              </span>{" "}
              <span class="version" data-testid="image-version">
                {image.version === null ? <Unavailable path="image.version" /> : <HostText text={image.version} />}
              </span>
              {image.flavour !== null && (
                <span class="tag">
                  <HostText text={image.flavour} />
                </span>
              )}
            </>
          )}
          {delivery !== null && <span class="tag">{DELIVERIES[delivery]}</span>}
        </p>
      </div>
      <Verdict state={state} held={held} />
    </div>
  );
}
