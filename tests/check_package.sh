#!/bin/sh
# Builds the Debian package of the static program and installs, upgrades, removes and purges it in a clean root, which
# debootstrap makes: sh tests/check_package.sh [BUILD-DIRECTORY]. Needs root, a mirror of Debian, and some minutes; a part
# of `sh tests/run.sh package`, not of every run.
# shellcheck disable=SC2015,SC2016 # A && B || C, where B cannot fail or should end it too; a format of dpkg-query
set -eu

repository=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=${1:-$repository/build-static}
mirror=${DEBIAN_MIRROR:-} # empty: the one that debootstrap knows
[ "$(id -u)" -eq 0 ] || { echo 'needs root'; exit 77; }
command -v debootstrap >/dev/null || { echo 'debootstrap is not installed'; exit 77; }

work=$(mktemp -d "${TMPDIR:-/tmp}/hogwild-package.XXXXXX")
root=$work/root
trap 'umount "$root/proc" 2>/dev/null || :; rm -rf -- "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
fail() {
  echo "FAILED: $*" >&2
  exit 1
}
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

if ! [ -f "$build/build.ninja" ]; then
  meson setup "$build" "$repository" -Dprefer_static=true -Dcpp_link_args=-static-pie >/dev/null
fi
meson compile -C "$build" deb >"$work/build" 2>&1 || { cat "$work/build"; fail 'the package could not be built'; }
package=$(ls "$build"/hogwild_*.deb)
# The next version: the same files under another number.
dpkg-deb -R "$package" "$work/next"
sed -i 's/^Version: .*/Version: 99.0/' "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/next" "$work/next.deb" >/dev/null

debootstrap --variant=minbase --include=adduser bookworm "$root" ${mirror:+"$mirror"} >"$work/debootstrap" 2>&1 ||
  { tail -n 5 "$work/debootstrap"; exit 77; }
mount -t proc proc "$root/proc"
before=$(cd "$root" && find etc usr var/lib/hogwild -name '*hogwild*' 2>/dev/null || :)
[ -z "$before" ] || fail "the root is not clean: $before"

cp "$package" "$root/tmp/first.deb"
cp "$work/next.deb" "$root/tmp/next.deb"
inside dpkg -i /tmp/first.deb >/dev/null
inside hogwild --version | grep -q '^hogwild ' || fail 'the program does not run'
[ "$(stat -c %U:%a "$root/etc/hogwild" 2>/dev/null | cut -d : -f 2)" = 750 ] || fail 'the mode of /etc/hogwild'
inside getent passwd hogwild | grep -q nologin || fail 'the user hogwild has a shell, or is not there'
# The service's command, as its user, with the file as it comes; it trains when it is given data.
inside setpriv --reuid=hogwild --regid=hogwild --init-groups timeout 60 hogwild node --config /etc/hogwild/hogwild.toml \
  --train 'synth:rcv1?n=2000' --test 'synth:rcv1?n=500&part=test' --on-finish exit --http 127.0.0.1:0 --gossip 127.0.0.1:0 \
  >"$work/node" 2>&1 || { cat "$work/node"; fail 'the node of the service'; }
[ -f "$root/var/lib/hogwild/out/model.liblinear" ] || fail 'no model in /var/lib/hogwild/out'

echo '# a line of the administrator' >>"$root/etc/hogwild/hogwild.toml"
inside dpkg -i /tmp/next.deb >/dev/null
[ "$(inside dpkg-query -W -f '${Version}' hogwild)" = 99.0 ] || fail 'the upgrade'
grep -q 'a line of the administrator' "$root/etc/hogwild/hogwild.toml" || fail 'the upgrade changed the configuration'
[ -f "$root/var/lib/hogwild/out/model.liblinear" ] || fail 'the upgrade took the model'

inside dpkg -r hogwild >/dev/null
[ ! -e "$root/usr/bin/hogwild" ] || fail 'the program is still there after removal'
[ -f "$root/etc/hogwild/hogwild.toml" ] && [ -d "$root/var/lib/hogwild" ] || fail 'removal took more than the program'
inside dpkg -P hogwild >/dev/null 2>&1
left=$(cd "$root" && find etc lib/systemd usr var/lib/hogwild -name '*hogwild*' 2>/dev/null || :)
[ -z "$left" ] || fail "left after purge: $left"
! inside getent passwd hogwild >/dev/null || fail 'the user is still there after purge'
size=$(wc -c <"$package")
echo "package of $size bytes: installed, upgraded, removed and purged"
