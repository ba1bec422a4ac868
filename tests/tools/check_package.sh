#!/bin/sh
# check_package.sh VERSION - the tarball of `make dist` is the same twice, and builds into a package that lintian accepts and that
# holds program, catalogue, manual and completion; the Homebrew formula installs from it.
set -u
version=$1
has() { # build-essential is what every Debian package builds with
	dpkg -s build-essential >/dev/null 2>&1 || return 1
	for p in dpkg-buildpackage lintian dh ruby; do command -v $p >/dev/null || return 1; done
}
has || sh "$(dirname "$0")/install.sh" build-essential debhelper dpkg-dev fakeroot lintian ruby libgsl-dev libyaml-dev pkg-config
if ! has; then
	echo "package: skipped: no build-essential, dpkg-buildpackage, debhelper, lintian or ruby"
	[ -z "${CI:-}" ]
	exit
fi
bad() { echo "package: $*" >&2; exit 1; }
[ "$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)" = "$version" ] || bad "debian/changelog is of another version than the Makefile's, $version"
tarball=$PWD/build/dist/lemursim-$version.tar.gz
first=$(cat "$tarball.sha256") && ${MAKE:-make} -s dist >/dev/null && [ "$first" = "$(cat "$tarball.sha256")" ] || bad "dist: other bytes the second time"
(cd build/dist && sha256sum -c "lemursim-$version.tar.gz.sha256" >/dev/null) || bad "dist: the sha256 is of another file"
rm -rf build/package && mkdir -p build/package && tar -xzf "$tarball" -C build/package || exit 1
log=$PWD/build/package/log
(cd "build/package/lemursim-$version" && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc -b >"$log" 2>&1) || { tail -20 "$log"; bad "it does not build"; }
deb=$(echo build/package/lemursim_"$version"_*.deb)
library=$(echo build/package/liblemursim0_"$version"_*.deb)
dev=$(echo build/package/liblemursim-dev_"$version"_*.deb)
# a first upload closes a bug of Debian's, which a package of our own does not
for p in "$deb" "$library" "$dev"; do
	lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$p" || bad "lintian: $p"
	dpkg-deb -c "$p" || bad "no package $p"
done >build/package/list
for f in /usr/bin/lemursim /usr/share/man/man1/lemursim.1.gz /usr/share/man/man1/lemursim-report.1.gz \
	/usr/share/bash-completion/completions/lemursim /usr/share/zsh/vendor-completions/_lemursim /usr/share/lemursim/scenarios/m5-vs-m4pro.yaml \
	/usr/share/lemursim/schema/scenario.json /usr/include/lemursim.h '/usr/lib/.*/liblemursim.a' \
	"/usr/lib/.*/liblemursim.so.$version" '/usr/lib/.*/pkgconfig/lemursim.pc'; do
	grep -q " \.$f\$" build/package/list || bad "it lacks $f"
done
rm -rf build/package/root && dpkg-deb -x "$deb" build/package/root && LEMURSIM_PATH=build/package/root/usr/share/lemursim \
	build/package/root/usr/bin/lemursim simulate m5-vs-m4pro --path build/package/root/usr/share/lemursim >/dev/null || bad "it does not run"
for p in "$library" "$dev"; do dpkg-deb -x "$p" build/package/root || bad "$p"; done
root=$PWD/build/package/root so=$(echo build/package/root/usr/lib/*/liblemursim.so)
export PKG_CONFIG_PATH="$(dirname "$so")/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root" LEMURSIM_PATH="$root/usr/share/lemursim"
gcc -o build/package/example packaging/lib/example.c $(pkg-config --cflags --libs lemursim) || bad "the example does not build"
LD_LIBRARY_PATH=$(dirname "$so") build/package/example >/dev/null || bad "the example does not run"
env -u MAKEFLAGS -u MAKELEVEL ruby tests/tools/formula.rb build/dist/lemursim.rb build/package/cellar || bad "the formula does not work"
echo "package: $(basename "$deb"), the library and its header are built, lintian has nothing to say"
