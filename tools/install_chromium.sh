#!/usr/bin/env bash
# Installs Chromium if this is Debian and we are root. Anywhere else it says what to do, and that is no failure: only
# pictures, and the test that opens the pages, need it, and the test says that it was left out.
set -u
for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
    if command -v "$name" >/dev/null; then
        echo "Chromium is there: $(command -v "$name")"
        exit 0
    fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; then
        echo "Chromium is installed: $(command -v chromium)"
        exit 0
    fi
fi
echo "Chromium is not installed, so the pages will not be opened in the tests; on Debian: apt-get install chromium"
