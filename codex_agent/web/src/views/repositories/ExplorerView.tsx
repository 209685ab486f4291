// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { follow as followHost, type Follow } from "../../api/live";
import { Problem } from "../../api/problem";
import { useStore } from "../../state/store";
import { ProblemNote } from "../../ui/ProblemNote";
import { bindings } from "./bindings";
import { NONE } from "./data/graph";
import { useKeys } from "./keys";
import { startLayouter, type LayOut } from "./layout/layouter";
import { CommitPanel } from "./panels/CommitPanel";
import { CommitTable } from "./panels/CommitTable";
import { FilePanel } from "./panels/FilePanel";
import { FileTable } from "./panels/FileTable";
import { FiltersPanel } from "./panels/FiltersPanel";
import { HelpDialog } from "./panels/HelpDialog";
import { Legend } from "./panels/Legend";
import { SearchForm } from "./panels/SearchForm";
import { Standing } from "./panels/Standing";
import { Toolbar } from "./panels/Toolbar";
import type { Director } from "./scene/director";
import { schemeNow, watchScheme } from "./scheme";
import { SceneCanvas } from "./stage/SceneCanvas";
import { Explorer } from "./state/explorer";
import { readScene } from "./state/link";
import type { Source } from "./state/source";
import { Player } from "./time/player";
import { TimeBar } from "./time/TimeBar";
import { useAddress } from "./use-address";
import { useLive } from "./use-live";

interface ExplorerViewProps {
  readonly repo: string;
  readonly name: string;
  readonly source: Source;
  /** The scene as the address holds it. */
  readonly link: string;
  /** Lays out histories; by default in a thread of its own. */
  readonly layOut?: LayOut;
  readonly follow?: Follow;
}

function save(picture: Blob, name: string): void {
  const address = URL.createObjectURL(picture);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun with its own reference.
  setTimeout(() => {
    URL.revokeObjectURL(address);
  }, 1000);
}

/** The history of one repository: scene, time, filters, details and the table of the same commits. */
export function ExplorerView({ repo, name, source, link, layOut, follow = followHost }: ExplorerViewProps) {
  const [explorer, player, end] = useMemo(() => {
    const layouter = layOut === undefined ? startLayouter() : { layOut, end: () => undefined };
    const made = new Explorer(source, layouter.layOut, readScene(link));
    const plays = new Player(made.window, () => made.content.get()?.layout.axis ?? null);
    return [made, plays, layouter.end];
    // A link to the same repository changes the scene of this one.
  }, [repo, source]);
  useEffect(() => {
    explorer.start();
    return () => {
      player.pause();
      explorer.end();
      end();
    };
  }, [explorer, player, end]);
  useAddress(explorer, repo, link);

  const content = useStore(explorer.content);
  const progress = useStore(explorer.progress);
  const view = useStore(explorer.view);
  const [director, setDirector] = useState<Director | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [compared, setCompared] = useState<string | null>(null);
  const [open, setOpen] = useState<"filters" | "help" | null>(null);
  const [stats, setStats] = useState(false);
  const [live, setLive] = useState(true);
  const heard = useLive(explorer, repo, follow, live);
  const [scheme, setScheme] = useState(schemeNow);
  const words = useRef<HTMLInputElement>(null);
  useEffect(
    () =>
      watchScheme(() => {
        setScheme(schemeNow());
      }),
    [],
  );

  const picture = async (): Promise<void> => {
    const made = await director?.stage.picture();
    if (made) save(made, `${name}-${view.mode}.png`);
    else setProblem(new Problem("format", "no_picture", "The browser made no picture.", "Take one of the screen."));
  };
  const keys = bindings({
    explorer,
    player,
    director,
    picture: () => void picture(),
    search: () => words.current?.focus(),
    stats: () => {
      setStats(!stats);
    },
    live: () => {
      setLive(!live);
    },
    help: () => {
      setOpen("help");
    },
  });
  useKeys(keys);
  const comparedPlace = compared === null ? NONE : (content?.oids.place(compared) ?? NONE);
  const empty = content !== null && progress.state === "ready" && content.graph.count === 0;

  return (
    <div
      class="explorer"
      data-testid="explorer"
      data-state={empty ? "empty" : progress.state}
      data-commits={content?.graph.count ?? 0}
    >
      <SearchForm explorer={explorer} field={words} />
      <Toolbar
        explorer={explorer}
        filtersOpen={open === "filters"}
        live={live ? (heard ? "on" : "lost") : "off"}
        onLive={() => {
          setLive(!live);
        }}
        onFilters={() => {
          setOpen(open === "filters" ? null : "filters");
        }}
        onHome={() => director?.home()}
        onPicture={() => void picture()}
        onHelp={() => {
          setOpen("help");
        }}
      />
      <Standing explorer={explorer} />
      {problem !== null && <ProblemNote problem={problem} testId="scene-problem" />}
      {empty ? (
        <p class="empty" data-testid="empty">
          This repository has no commits yet. The first one will be shown here.
        </p>
      ) : (
        <div class="explorer-body">
          <div class="explorer-main">
            <SceneCanvas
              explorer={explorer}
              scheme={scheme}
              compared={comparedPlace}
              stats={stats}
              onDirector={setDirector}
              onProblem={setProblem}
            />
            <TimeBar explorer={explorer} player={player} />
          </div>
          <aside class="explorer-side" aria-label="Details">
            {open === "filters" && <FiltersPanel explorer={explorer} />}
            {view.path !== null && <FilePanel explorer={explorer} path={view.path} />}
            {view.commit !== null && (
              <CommitPanel
                explorer={explorer}
                source={source}
                sha={view.commit}
                compared={compared}
                onCompare={setCompared}
                onShow={() => director?.approach(explorer.selected)}
              />
            )}
            <Legend explorer={explorer} scheme={scheme} />
          </aside>
        </div>
      )}
      {(view.mode === "heatmap" || view.mode === "all") && <FileTable explorer={explorer} />}
      {content !== null && !empty && <CommitTable explorer={explorer} source={source} />}
      {open === "help" && (
        <HelpDialog
          keys={keys}
          onClose={() => {
            setOpen(null);
          }}
        />
      )}
    </div>
  );
}
