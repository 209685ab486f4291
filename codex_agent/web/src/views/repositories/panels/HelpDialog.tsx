// SPDX-License-Identifier: Apache-2.0
import { Dialog } from "../../../ui/Dialog";
import type { Key } from "../keys";

const SHOWN: Readonly<Record<string, string>> = { " ": "Space", ArrowLeft: "←", ArrowRight: "→" };

/** Every key of the view, as it is bound: a list of its own could be wrong. */
export function HelpDialog({ keys, onClose }: { readonly keys: readonly Key[]; readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" testId="help" onClose={onClose}>
      <table class="table">
        <thead class="hidden">
          <tr>
            <th scope="col">Key</th>
            <th scope="col">What it does</th>
          </tr>
        </thead>
        <tbody>
          {keys
            .filter(({ hint }) => hint !== null)
            .map(({ key, hint }) => (
              <tr key={key}>
                <th scope="row">
                  <kbd>{SHOWN[key] ?? key}</kbd>
                </th>
                <td>{hint}</td>
              </tr>
            ))}
        </tbody>
      </table>
      <p class="quiet">
        In the scene: drag to turn, drag with the right button or two fingers to move, wheel or pinch to come closer,
        press a commit to see it.
      </p>
      <div class="dialog-buttons">
        <button type="button" class="button" data-autofocus data-testid="help-close" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
