// SPDX-License-Identifier: Apache-2.0
import type { Disk, Filesystem, HostSnapshot } from "../../api/host";
import { bytes, wholePercent } from "../../format/quantity";
import { counted } from "../../format/text";
import { Card } from "../../ui/Card";
import { HostText, Unavailable } from "../../ui/Field";
import { Meter } from "../../ui/Meter";

function FilesystemRow({ filesystem }: { readonly filesystem: Filesystem }) {
  const { mount, source, type, total_bytes: total, available_bytes: available } = filesystem;
  const path = `filesystems.${mount}.${total === null ? "total_bytes" : "available_bytes"}`;
  const used = total === null || available === null ? null : wholePercent(total - available, total);
  return (
    <li class="filesystem">
      <div class="filesystem-line">
        <strong>
          <HostText text={mount} mono />
        </strong>
        <span class="filesystem-kind">
          {type === null ? "type unavailable" : <HostText text={type} />}
          {source !== null && <HostText text={source} mono />}
          {filesystem.read_only === true && <span class="tag">read-only</span>}
        </span>
        <span class="figure filesystem-size" data-volatile>
          {total === null || available === null ? (
            <Unavailable path={path} />
          ) : filesystem.read_only === true ? (
            bytes(total)
          ) : (
            `${bytes(available)} free of ${bytes(total)}`
          )}
        </span>
      </div>
      {used !== null && filesystem.read_only !== true && <Meter percent={used} label={`${mount} used`} />}
    </li>
  );
}

function mediumOf({ rotational, read_only: readOnly }: Disk): string {
  const medium = rotational === null ? "medium unavailable" : rotational ? "rotating" : "solid state";
  return readOnly === true ? `${medium}, read-only` : medium;
}

function DiskRow({ disk }: { readonly disk: Disk }) {
  const path = `disks.${disk.name}`;
  return (
    <tr>
      <th scope="row">
        <HostText text={disk.name} mono />
      </th>
      <td>{disk.model === null ? <Unavailable path={`${path}.model`} /> : <HostText text={disk.model} />}</td>
      <td>{mediumOf(disk)}</td>
      <td class="figure">
        {disk.size_bytes === null ? <Unavailable path={`${path}.size_bytes`} /> : bytes(disk.size_bytes)}
      </td>
    </tr>
  );
}

export function StorageCard({ host }: { readonly host: HostSnapshot }) {
  const { disks, filesystems } = host;
  const note = disks === null ? undefined : counted(disks.length, "disk");
  return (
    <Card id="storage" title="Storage" note={note} paths={["filesystems", "disks"]}>
      <h3>Filesystems</h3>
      {filesystems === null ? (
        <p>
          <Unavailable path="filesystems" />
        </p>
      ) : filesystems.length === 0 ? (
        <p class="empty">The host reports no filesystem on a disk.</p>
      ) : (
        <ul class="filesystems">
          {filesystems.map((filesystem) => (
            <FilesystemRow key={filesystem.mount} filesystem={filesystem} />
          ))}
        </ul>
      )}
      <h3>Disks</h3>
      {disks === null ? (
        <p>
          <Unavailable path="disks" />
        </p>
      ) : disks.length === 0 ? (
        <p class="empty">The host reports no disk.</p>
      ) : (
        <div class="table-scroll">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Model</th>
                <th scope="col">Medium</th>
                <th scope="col" class="figure">
                  Size
                </th>
              </tr>
            </thead>
            <tbody>
              {disks.map((disk) => (
                <DiskRow key={disk.name} disk={disk} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
