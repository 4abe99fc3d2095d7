#!/bin/sh
# Every C file as clang-format writes it. Generated files are left alone.
set -eu
command -v clang-format-14 >/dev/null || { echo 'clang-format-14 is missing: run: npm run setup -- test' >&2; exit 1; }
find forwarder appliance \( -name node_modules -o -name build -o -name fixtures \) -prune -o \( -name '*.c' -o -name '*.h' \) ! -name '*.gen.*' ! -name forwarder.h -print |
	xargs -r clang-format-14 --style=file --dry-run -Werror
