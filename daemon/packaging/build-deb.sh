#!/bin/sh
# Makes a Debian package of a program that is built: build-deb.sh HOGWILD MAN-PAGE BASH ZSH VERSION [DIRECTORY]
#
# The package depends on the libraries that the program is linked with; one that is static (see meson.build) runs on any
# Debian or Ubuntu of its architecture. Made by `meson compile -C build deb`; needs dpkg-deb alone.
set -eu

program=$1
man_page=$2
bash_completion=$3
zsh_completion=$4
version=$5
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
directory=${6:-${MESON_BUILD_ROOT:-.}}

umask 022
root=$(mktemp -d "${TMPDIR:-/tmp}/hogwild-deb.XXXXXX")
trap 'rm -rf -- "$root"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 755 "$root"

put() { # MODE FROM TO
  mkdir -p "$root/$(dirname -- "$3")"
  install -m "$1" "$2" "$root/$3"
}
put 755 "$program" usr/bin/hogwild
strip --strip-unneeded "$root/usr/bin/hogwild"
put 644 "$here/hogwild.service" lib/systemd/system/hogwild.service
put 644 "$here/hogwild.toml" etc/hogwild/hogwild.toml
put 644 "$bash_completion" usr/share/bash-completion/completions/hogwild
put 644 "$zsh_completion" usr/share/zsh/vendor-completions/_hogwild
put 644 "$man_page" usr/share/man/man1/hogwild.1
put 644 "$here/../../CHANGELOG.md" usr/share/doc/hogwild/changelog
put 644 "$here/copyright" usr/share/doc/hogwild/copyright
gzip -9n "$root/usr/share/man/man1/hogwild.1" "$root/usr/share/doc/hogwild/changelog"

mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do install -m 755 "$here/$script" "$root/DEBIAN/$script"; done
echo /etc/hogwild/hogwild.toml >"$root/DEBIAN/conffiles"

# Packages of the libraries that the program needs: none where it is static.
libraries=$(ldd "$root/usr/bin/hogwild" 2>/dev/null | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | while read -r library; do
  dpkg-query -S "$(readlink -f "$library")" 2>/dev/null | sed 's/:.*//'
done | sort -u | paste -sd, | sed 's/,/, /g')

cat >"$root/DEBIAN/control" <<CONTROL
Package: hogwild
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: The hogwild authors <hogwild@localhost>
Installed-Size: $(du -sk "$root" | cut -f 1)
Depends: adduser${libraries:+, $libraries}
Recommends: ca-certificates
Section: science
Priority: optional
Description: swarm of daemons that trains linear models on sparse data
 Start it on some machines, point each at any other, and they train a support
 vector machine or a logistic regression together. Nobody is in charge: nodes
 join, leave and are killed at any moment, and when the run ends every node
 holds the same model, bit for bit. Each answers HTTP.
CONTROL

(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | sort | xargs md5sum) >"$root/DEBIAN/md5sums"
package=$directory/hogwild_${version}_$(dpkg --print-architecture).deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$package"
