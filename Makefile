# SPDX-License-Identifier: Apache-2.0
# The front door. `make help` lists the targets; images/builder does the work.

TARGETS := run image shell-entry bundle host release test check test-kernel test-kernel-sanitized test-dkms test-roles test-boot bench stop shell logs lock clean distclean

# The variables of the command line travel in the environment, where no shell reads their values.
export CODEX_VARIABLES = $(MAKEOVERRIDES)

.PHONY: help $(TARGETS) any
.DEFAULT_GOAL := help
.NOTPARALLEL:

help $(TARGETS):
	@images/builder/front-door $@

# A target that does not exist gets a sentence instead of make's own words, also if a file has its name.
%: any
	@images/builder/front-door '$@'

any Makefile: ;
