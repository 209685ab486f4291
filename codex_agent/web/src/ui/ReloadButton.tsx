// SPDX-License-Identifier: Apache-2.0

/** Loads the page anew, for when the host has other code than the page that runs. */
export function ReloadButton() {
  return (
    <button
      type="button"
      class="button"
      onClick={() => {
        window.location.reload();
      }}
    >
      Reload
    </button>
  );
}
