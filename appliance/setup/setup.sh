#!/bin/sh
# Makes a clone ready to run: Debian packages, npm packages, the forwarder library.
# Idempotent; quick when nothing is missing. Usage: setup.sh run|test|bench
set -eu
profile=${1:-run}
top=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$top"

step() { printf 'setup: %s\n' "$*" >&2; }
stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "appliance/setup/packages.$1"; }
wanted=$(packages run)
[ "$profile" = run ] || wanted="$wanted $(packages test)"
[ "$profile" != bench ] || wanted="$wanted $(packages bench)"

command -v dpkg-query >/dev/null 2>&1 || stop "this is not a Debian system (dpkg-query is missing): use Debian 12, or install by hand: $(echo $wanted)"
have=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p')
missing=
for package in $wanted; do
	printf '%s\n' "$have" | grep -qx -- "$package" || missing="$missing $package"
done
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] || stop "Debian packages are missing and only root may install them: run as root: apt-get install$missing"
	step "installing Debian packages:$missing"
	export DEBIAN_FRONTEND=noninteractive
	# Debian starts the services of what it installs; the peers of the benchmarks are only programs to us.
	policy=/usr/sbin/policy-rc.d
	[ -e "$policy" ] || { trap 'rm -f "$policy"' EXIT; printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; }
	apt-get install -y -qq --no-install-recommends $missing >/tmp/weft-apt.$$ 2>&1 || {
		apt-get update -qq >/tmp/weft-apt.$$ 2>&1 &&
			apt-get install -y -qq --no-install-recommends $missing >/tmp/weft-apt.$$ 2>&1
	} || { tail -5 /tmp/weft-apt.$$ >&2; stop "apt-get could not install:$missing (log: /tmp/weft-apt.$$)"; }
	rm -f /tmp/weft-apt.$$
fi

lock=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.weft-lock 2>/dev/null || true)" != "$lock" ]; then
	step "installing npm packages"
	npm ci --no-audit --no-fund --loglevel=error >&2 || stop "npm ci failed: see above; is the npm registry reachable?"
	printf '%s\n' "$lock" >node_modules/.weft-lock
fi

# The forwarder's Makefile knows what is out of date.
if ! make -s -q -C forwarder all 2>/dev/null; then
	step "building the forwarder"
	make -s -j"$(nproc)" -C forwarder all >&2 || stop "the forwarder did not build: see above"
fi
if [ "$profile" != run ] && ! make -s -q -C appliance/traffic all 2>/dev/null; then
	step "building the traffic tools"
	make -s -C appliance/traffic all >&2 || stop "the traffic tools did not build: see above"
fi
