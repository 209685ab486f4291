# SPDX-License-Identifier: Apache-2.0
"""One file a row; ROWS is their order, cheap ones first."""

from tests.bench.row import Row
from tests.bench.rows.boot import ROW as BOOT
from tests.bench.rows.codex_help import ROW as CODEX_HELP
from tests.bench.rows.edu import ROW as EDU
from tests.bench.rows.git_history import ROW as GIT_HISTORY
from tests.bench.rows.idle_cost import ROW as IDLE_COST
from tests.bench.rows.image_build import ROW as IMAGE_BUILD
from tests.bench.rows.kernel_memory import COPY, EXPORT, FILL, IOCTL
from tests.bench.rows.pool import ROW as POOL
from tests.bench.rows.provision import ROW as PROVISION
from tests.bench.rows.rebuild import ROW as REBUILD
from tests.bench.rows.root_image import ROW as ROOT_IMAGE
from tests.bench.rows.sealed_read import ROW as SEALED_READ
from tests.bench.rows.uki import ROW as UKI

ROWS: tuple[Row, ...] = (
    *(UKI, ROOT_IMAGE, CODEX_HELP, POOL, GIT_HISTORY),
    *(COPY, EXPORT, IOCTL, FILL, EDU),
    *(SEALED_READ, IDLE_COST, BOOT, PROVISION, REBUILD, IMAGE_BUILD),
)
