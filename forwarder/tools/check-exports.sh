#!/bin/sh
# The library exports exactly the functions that forwarder.h declares. Usage: check-exports.sh LIBRARY [HEADER]
set -eu
library=$1
header=${2:-$(dirname "$0")/../include/forwarder.h}
declared=$(sed -n 's/^FWD_PUBLIC [a-z0-9_]* \(fwd_[a-z0-9_]*\)(.*/\1/p' "$header" | sort)
exported=$(nm -D --defined-only "$library" | awk '{print $3}' | sort)
[ -n "$declared" ] || { echo "$header declares no FWD_PUBLIC function" >&2; exit 1; }
[ "$declared" = "$exported" ] && exit 0
for name in $exported; do echo "$declared" | grep -qx "$name" || echo "$name: exported but not in $header" >&2; done
for name in $declared; do echo "$exported" | grep -qx "$name" || echo "$name: in $header but not exported" >&2; done
exit 1
