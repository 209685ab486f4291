// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";

import type { AppState } from "../state/app";
import { Glyph } from "../ui/glyphs";
import { ProblemNote } from "../ui/ProblemNote";
import { useServices } from "./services";

/** Asks for the host's token. The field is emptied once the host has taken it. */
export function SignIn({ state }: { readonly state: AppState }) {
  const { session } = useServices();
  const field = useRef<HTMLInputElement>(null);
  const [shown, setShown] = useState(false);
  const busy = state.phase === "signing-in";
  const problem = state.signInProblem;

  useEffect(() => {
    if (!busy) field.current?.focus();
  }, [busy, problem]);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const input = field.current;
    if (input === null || busy) return;
    if (await session.signIn(input.value)) input.value = "";
  };

  return (
    <section class="sign-in" data-testid="sign-in" aria-labelledby="sign-in-title">
      <h1 id="sign-in-title">Sign in to this host</h1>
      <p class="quiet">The page shows the host&apos;s state to those who hold its token.</p>
      <form onSubmit={(event) => void submit(event)} aria-busy={busy}>
        <label for="token">Token</label>
        <div class="token">
          <input
            ref={field}
            id="token"
            {...(shown ? { type: "text" } : { type: "password" })}
            data-testid="token-input"
            autocomplete="off"
            autocapitalize="off"
            autocorrect="off"
            spellcheck={false}
            maxLength={512}
            aria-invalid={problem !== null && !busy}
            aria-describedby={problem === null ? "token-hint" : "token-problem token-hint"}
          />
          <button
            type="button"
            class="button-icon"
            aria-label="Show the token"
            aria-pressed={shown}
            title="Show the token"
            onClick={() => {
              setShown(!shown);
            }}
          >
            <Glyph name="eye" />
          </button>
        </div>
        {problem !== null && !busy && <ProblemNote problem={problem} id="token-problem" testId="sign-in-problem" />}
        <button type="submit" class="button-primary" data-testid="sign-in-button" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
        <p class="hint" id="token-hint">
          On the host, <code>sudo codex token show</code> prints it. It is exchanged for a session cookie and is not
          stored in this browser.
        </p>
      </form>
    </section>
  );
}
