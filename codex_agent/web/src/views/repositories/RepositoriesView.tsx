// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "preact/hooks";

import { listRepositories, type Repository } from "../../api/repositories";
import { visible } from "../../format/text";
import { addressOf } from "../../shell/router";
import type { ViewProps } from "../../shell/views";
import { ProblemNote } from "../../ui/ProblemNote";
import { ExplorerView } from "./ExplorerView";
import "./panels/panels.css";
import "./repositories.css";
import { hostSource } from "./state/source";
import "./time/time.css";
import { useAnswer } from "./use-answer";

interface ChoiceProps {
  readonly repositories: readonly Repository[];
  readonly chosen: Repository;
}

function Choice({ repositories, chosen }: ChoiceProps) {
  return (
    <label class="repository">
      <span class="hidden">Repository</span>
      <select
        data-testid="repository"
        value={chosen.id}
        onChange={(event) => {
          window.location.hash = addressOf("repositories", event.currentTarget.value);
        }}
      >
        {repositories.map(({ id, name }) => (
          <option key={id} value={id}>
            {visible(name)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The repositories that this host shows; one of them at a time. */
export default function RepositoriesView({ rest }: ViewProps) {
  const [round, setRound] = useState(0);
  const { value: repositories, problem } = useAnswer(round.toString(), listRepositories);
  const [id, link = ""] = rest;
  const chosen = repositories?.find((each) => each.id === id) ?? (id === undefined ? repositories?.[0] : undefined);
  const source = useMemo(() => (chosen === undefined ? null : hostSource(chosen.id)), [chosen?.id]);
  return (
    <div class="repositories" data-testid="repositories-view">
      <div class="repositories-head">
        <h1>Repositories</h1>
        {repositories !== null && chosen !== undefined && <Choice repositories={repositories} chosen={chosen} />}
      </div>
      {problem !== null && (
        <div class="standing-failed">
          <ProblemNote problem={problem} testId="repositories-problem" />
          <button
            type="button"
            class="button"
            onClick={() => {
              setRound(round + 1);
            }}
          >
            Try again
          </button>
        </div>
      )}
      {repositories === null && problem === null && <p class="quiet">Asking the host for its repositories…</p>}
      {repositories?.length === 0 && (
        <p class="empty" data-testid="no-repositories">
          This host shows no repositories. Add one on the host with <code>codex repos add PATH</code>.
        </p>
      )}
      {repositories !== null && repositories.length > 0 && chosen === undefined && (
        <p class="empty" data-testid="unknown-repository">
          This host does not show the repository of this address.{" "}
          <a href={addressOf("repositories")}>See those that it shows.</a>
        </p>
      )}
      {chosen !== undefined && source !== null && (
        <ExplorerView key={chosen.id} repo={chosen.id} name={chosen.name} source={source} link={link} />
      )}
    </div>
  );
}
