// SPDX-License-Identifier: Apache-2.0
/* Measures what its first word names and prints JSON: subject, figure, value. */
#include "guest.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*measure)(void);
	} all[] = {
		{ "copy", measure_copy },   { "export", measure_export }, { "ioctl", measure_ioctl },
		{ "fill", measure_fill }, { "edu", measure_edu },
	};

	for (size_t i = 0; argc == 2 && i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(argv[1], all[i].name)) {
			all[i].measure();
			return 0;
		}
	fprintf(stderr, "usage: program copy|export|ioctl|fill|edu\n");
	return 2;
}
