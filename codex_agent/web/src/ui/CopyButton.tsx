// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";

import { Glyph } from "./glyphs";

const SAID_FOR_MS = 2_000;

interface CopyButtonProps {
  readonly text: string;
  /** What is copied: "root hash". */
  readonly what: string;
}

/** Copies a text; says whether it worked. */
export function CopyButton({ text, what }: CopyButtonProps) {
  const [result, setResult] = useState<"copied" | "failed" | null>(null);
  useEffect(() => {
    if (result === null) return undefined;
    const timer = setTimeout(() => {
      setResult(null);
    }, SAID_FOR_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [result]);

  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setResult("copied");
    } catch {
      // No clipboard here (an insecure origin, or refused): the text can still be selected by hand.
      setResult("failed");
    }
  };
  return (
    <span class="copy">
      <button
        type="button"
        class="button-icon"
        aria-label={`Copy ${what}`}
        title={`Copy ${what}`}
        onClick={() => void copy()}
      >
        <Glyph name={result === "copied" ? "done" : "copy"} />
      </button>
      <span class="copy-result" role="status">
        {result === "copied" && "Copied"}
        {result === "failed" && "Not allowed: select the text"}
      </span>
    </span>
  );
}
