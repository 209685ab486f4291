/* SPDX-License-Identifier: Apache-2.0 */
/* Load and unload the modules under test. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>

/* Lies there after a module was unloaded: the runner then loads what the program's SETUP lines say. */
#define MODULE_CHANGED "/tmp/module-changed"

/* finit_module() of /m/<name>.ko; -1 and errno as the kernel says. */
int module_load(const char *name, const char *parameters);

/* delete_module() without waiting; -1 and errno (EWOULDBLOCK: in use). */
int module_unload(const char *name);

/* Unload when loaded; the case fails when it does not go within the waiting limit. */
void module_drop(const char *name);

/* Unload and load again with other parameters; the case fails when that fails. */
void module_reload(const char *name, const char *parameters);

/*
 * Let once() load, use and close so many times, each with its number from 0; the case fails when memory is gone after
 * that. The first tenth does not count: what is kept for the next time is taken there.
 */
void module_cycles(long cycles, void (*once)(long number));

bool module_loaded(const char *name);

#endif
