# SPDX-License-Identifier: Apache-2.0
# The front door. `make help` lists the targets; images/builder does the work.

TARGETS := run image test check stop shell logs lock clean distclean

.PHONY: help $(TARGETS)
.DEFAULT_GOAL := help

help $(TARGETS):
	@images/builder/front-door $@ $(MAKEOVERRIDES)

# A target that does not exist gets a sentence instead of make's own words.
%:
	@images/builder/front-door $@ $(MAKEOVERRIDES)
