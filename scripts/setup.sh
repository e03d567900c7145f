#!/bin/sh
# Installs what is missing and builds what is stale; running it again costs a fraction of a second.
# On a system without apt-get, or without root, it changes nothing and prints exactly what to install.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup: $*" >&2; }
fail() { say "$1"; shift; for line in "$@"; do printf '       %s\n' "$line" >&2; done; exit 1; }

[ "$(uname -s)" = Linux ] || fail "Fairlead runs on Linux; this is $(uname -s)."

# command or library file -> Debian package that brings it
missing=""
need() { missing="$missing $1"; }
has_library() { for directory in /lib /usr/lib /lib64 /usr/lib64 /lib/*-linux-gnu /usr/lib/*-linux-gnu; do [ -e "$directory/$1" ] && return 0; done; return 1; }
PATH="$PATH:/usr/sbin:/sbin"
command -v ip >/dev/null || need iproute2
command -v nft >/dev/null || need nftables
command -v conntrack >/dev/null || need conntrack
command -v curl >/dev/null || need curl
command -v cc >/dev/null || need gcc
command -v make >/dev/null || need make
command -v clang >/dev/null || need clang
command -v slirp4netns >/dev/null || command -v pasta >/dev/null || need slirp4netns
has_library libnftables.so.1 || need libnftables1
has_library libbpf.so.1 || need libbpf1
[ -e /usr/include/bpf/bpf_helpers.h ] || need libbpf-dev
[ -e /usr/include/stdio.h ] || need libc6-dev
if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null; then
    fail "these programs and libraries are missing, by their Debian names:$missing" "Install them with this system's package manager, then run this again."
  fi
  [ "$(id -u)" = 0 ] || fail "these packages are missing:$missing" "Run as root: apt-get update && apt-get install --no-install-recommends -y$missing"
  say "installing$missing"
  log=$(mktemp)
  # shellcheck disable=SC2086 # a list of package names
  if ! { apt-get install --no-install-recommends -y -q $missing || { apt-get update -q && apt-get install --no-install-recommends -y -q $missing; }; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install$missing" "Mend what it says above, then run this again."
  fi
  rm -f "$log"
fi

if [ ! -e node_modules/.package-lock.json ] || [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ] || [ ! -x node_modules/node/bin/node ]; then
  command -v npm >/dev/null || fail "npm is missing." "Install Node.js 20 or later with npm, then run this again."
  say "installing npm packages (Node 24 among them)"
  log=$(mktemp)
  if ! npm ci --no-audit --no-fund --loglevel=error >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    fail "npm ci failed" "Mend what it says above, then run this again."
  fi
  rm -f "$log"
  [ -x node_modules/node/bin/node ] || fail "npm did not bring Node 24: the install script of the package 'node' was blocked." "Run: npm rebuild node koffi --foreground-scripts"
fi

make -s -C native
make -s -C bpf

# Compiled once here, so that no process of a cluster compiles again (scripts/warm-compile-cache.ts says why).
cache=build/compile-cache
if [ ! -e "$cache/.warm" ] || [ -n "$(find src package-lock.json -newer "$cache/.warm" -print -quit)" ]; then
  rm -rf "$cache"
  mkdir -p "$cache"
  if NODE_COMPILE_CACHE=$PWD/$cache node_modules/node/bin/node --disable-warning=ExperimentalWarning scripts/warm-compile-cache.ts; then
    touch "$cache/.warm"
  else
    say "not every module could be compiled ahead (see above): starts are slower until that is mended."
  fi
fi

# What the kernel has as modules is loaded; what it has built in, or not at all, is for the probes of `up` to say.
if [ "$(id -u)" = 0 ] && command -v modprobe >/dev/null && [ -d "/lib/modules/$(uname -r)" ]; then
  for module in veth bridge vxlan tun overlay nf_tables nft_chain_nat nft_masq nft_ct nft_numgen nf_conntrack cls_bpf sch_ingress; do
    modprobe -q "$module" || true
  done
fi
