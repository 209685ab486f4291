/* SPDX-License-Identifier: Apache-2.0 */
/* Failing allocations on demand (kernels with CONFIG_FAULT_INJECTION). */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

/*
 * Let GFP_KERNEL allocations fail too, of every order, in silence, where a module is among the callers, so many frames up at
 * most. What the kernel's loader, ACPI and interrupt code do when memory is short is theirs, and is not clean.
 */
enum fault_depth { FAULT_OWN = 9, FAULT_ALL = 32 };
void fault_prepare(enum fault_depth depth);

/* Fail the n-th allocation of this thread from now on. */
void fault_after(int n);

/* Back to normal; whether an allocation was made to fail since fault_after(). */
bool fault_end(void);

/* Fail that share of the modules' allocations, in per cent, in their workers too; 0 ends it. */
void fault_share(int percent);

#endif
