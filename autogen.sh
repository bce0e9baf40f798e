#!/bin/sh
# Makes ./configure from configure.ac. Needs autoconf, automake, libtool and pkg-config; ./dev installs them.
set -eu
cd "$(dirname "$0")"
mkdir -p scripts/aux scripts/m4
autoreconf --install --force
# Configure's tests remove the memory image they may leave, `core'. Here that is a folder: rm would complain at every test.
sed 's/rm -f core /rm -f /' configure >configure.new
cat configure.new >configure
rm -f configure.new
