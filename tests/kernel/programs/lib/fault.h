/* SPDX-License-Identifier: Apache-2.0 */
/* Failing allocations on demand (kernels with CONFIG_FAULT_INJECTION). */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

/* Let GFP_KERNEL allocations fail too, of every order, in silence. */
void fault_prepare(void);

/* Fail the n-th allocation of this thread from now on. */
void fault_after(int n);

/* Back to normal; whether an allocation was made to fail since fault_after(). */
bool fault_end(void);

/* Fail that share of all allocations, in per cent, system wide; 0 ends it. */
void fault_share(int percent);

#endif
