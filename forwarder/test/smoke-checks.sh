# Sourced by the smoke tests, which set id (prefix of their namespaces), work (a folder of their own) and failed.

say() { printf '%-70s %s\n' "$1" "$2"; }
# check NAME COMMAND: what it prints is shown when it fails.
check() {
	local name=$1
	shift
	if "$@" >"$work/out" 2>&1; then say "$name" ok; else
		say "$name" FAILED
		tail -20 "$work/out"
		failed=1
	fi
}
# Tries a command for 5 s.
wait_for() { for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done; return 1; }
in_vm() { local n=$1; shift; ip netns exec "$id-$n" "$@"; }
