// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";

import type { Change, Offered } from "../../api/updates";
import { bytes } from "../../format/quantity";
import { counted } from "../../format/text";
import { utc } from "../../format/time";
import { Card } from "../../ui/Card";
import { Field, HostText } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { Prose } from "../../ui/Prose";
import { offerNow, type Facts } from "./facts";

/** As many changed packages as can be taken in at a glance; more are folded, and can be searched. */
const AT_A_GLANCE = 12;

/** The changes whose package or versions hold the words, whatever their case. */
export function matching(changes: readonly Change[], words: string): readonly Change[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return changes;
  return changes.filter(({ package: name, before, after }) =>
    [name, before ?? "new", after ?? "removed"].some((text) => text.toLowerCase().includes(wanted)),
  );
}

function ChangesTable({ changes }: { readonly changes: readonly Change[] }) {
  return (
    <div class="table-scroll">
      <table class="table changes" data-testid="changes">
        <thead>
          <tr>
            <th scope="col">Package</th>
            <th scope="col">Here</th>
            <th scope="col">There</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.package}>
              <th scope="row">
                <HostText text={change.package} mono />
              </th>
              <td>{change.before === null ? <span class="tag">new</span> : <HostText text={change.before} />}</td>
              <td>{change.after === null ? <span class="tag">removed</span> : <HostText text={change.after} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ManyChanges({ changes }: { readonly changes: readonly Change[] }) {
  const [words, setWords] = useState("");
  const found = matching(changes, words);
  return (
    <details class="many-changes" data-testid="many-changes">
      <summary>Show them</summary>
      <p class="search">
        <label for="changes-search">Search</label>
        <input
          id="changes-search"
          type="search"
          data-testid="changes-search"
          autocomplete="off"
          spellcheck={false}
          value={words}
          onInput={(event) => {
            setWords(event.currentTarget.value);
          }}
        />
        <span class="quiet" role="status" data-testid="changes-found">
          {counted(found.length, "package")}
        </span>
      </p>
      <ChangesTable changes={found} />
    </details>
  );
}

function Changes({ offer }: { readonly offer: Offered }) {
  const { changes, left_out: leftOut, refused, newer } = offer;
  if (changes === null) {
    if (refused !== null || !newer) return null;
    return <p class="quiet">Which packages differ is not known: the source did not give the list of this version.</p>;
  }
  return (
    <div class="whats-new">
      <h3>What is new</h3>
      <p data-testid="changes-count">
        {changes.length === 0 ? "No package differs." : `${counted(changes.length + leftOut, "package")} differ.`}
        {leftOut > 0 && ` ${counted(leftOut, "package")} of them are not told here.`}
      </p>
      {changes.length > AT_A_GLANCE ? (
        <ManyChanges changes={changes} />
      ) : (
        changes.length > 0 && <ChangesTable changes={changes} />
      )}
    </div>
  );
}

function Details({ offer }: { readonly offer: Offered }) {
  return (
    <>
      <Field label="Built" path="updates">
        {utc(Date.parse(offer.built_at)) ?? <HostText text={offer.built_at} />}
      </Field>
      <Field label="Kernel" path="updates">
        <HostText text={offer.kernel} mono />
      </Field>
      <Field label="Size" path="updates">
        {bytes(offer.whole_bytes)} in all; of the root only what differs is fetched
      </Field>
      <Field label="Signed by" path="updates" testId="offer-key">
        <HostText text={offer.key} mono />
      </Field>
    </>
  );
}

/** What the source offers, and what would be new. */
export function OfferCard({ facts }: { readonly facts: Facts }) {
  const known = facts.updates?.known ?? null;
  const standing = known?.standing ?? null;
  const offer = known === null ? null : offerNow(known);
  const refused = offer?.refused ?? null;
  const checked = utc(Date.parse(standing?.checked_at ?? ""));
  return (
    <Card id="offer" title="Offered" note={checked === null ? undefined : `looked for ${checked}`} paths={["updates"]}>
      {standing === null ? (
        <dl class="fields">
          <Field label="Offered" path="updates">
            {null}
          </Field>
        </dl>
      ) : standing.offered === null ? (
        <p class="empty" data-testid="offer-none">
          Nothing was looked for yet.
        </p>
      ) : (
        <>
          <dl class="fields">
            <Field label="Version" path="updates" testId="offered">
              <strong>
                <HostText text={standing.offered} />
              </strong>
              {standing.offered === standing.running && <span class="quiet"> runs already</span>}
            </Field>
            {offer !== null && <Details offer={offer} />}
          </dl>
          {refused !== null && (
            <div class="last" data-testid="offer-refused">
              <Icon tone="failed" />
              <p>
                <Prose text={refused.message} />{" "}
                {refused.hint !== null && (
                  <span class="quiet">
                    <Prose text={refused.hint} />
                  </span>
                )}
              </p>
            </div>
          )}
          {offer === null && standing.offered !== standing.running && (
            <p class="quiet">What is new in it is known after the next check.</p>
          )}
          {offer !== null && <Changes offer={offer} />}
        </>
      )}
    </Card>
  );
}
