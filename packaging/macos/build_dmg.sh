#!/bin/sh
# dist/hal0.app -> dist/hal0-VERSION-macos-ARCH.dmg. Run on macOS, after `make bundle`: packaging/macos/build_dmg.sh
#
# HAL0_SIGN_IDENTITY   "Developer ID Application: …"; without it the app is signed for this computer only (ad hoc)
# HAL0_NOTARY_PROFILE  a profile of `xcrun notarytool store-credentials`; without it nothing is notarised
#
# Untested: written on Linux; .github/workflows/release.yml runs it on macOS.
set -eu

cd "$(dirname "$0")/../.."
app=dist/hal0.app
identity=${HAL0_SIGN_IDENTITY:--}
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' router/base/version.py)
dmg=dist/hal0-$version-macos-$(uname -m).dmg

if [ ! -d "$app" ]; then
    echo "build_dmg: there is no $app; run \`make bundle\` first." >&2
    exit 1
fi

# A signature of the hardened runtime needs a real identity; ad hoc ones cannot have a time stamp.
if [ "$identity" = - ]; then
    codesign --force --deep --sign - "$app"
else
    codesign --force --deep --options runtime --timestamp \
        --entitlements packaging/macos/entitlements.plist --sign "$identity" "$app"
fi
codesign --verify --deep --strict "$app"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "$app" "$folder/"
ln -s /Applications "$folder/Applications"
rm -f "$dmg"
hdiutil create -volname "hal0 $version" -srcfolder "$folder" -format UDZO -fs HFS+ "$dmg"

if [ -n "${HAL0_NOTARY_PROFILE:-}" ]; then
    codesign --force --timestamp --sign "$identity" "$dmg"
    xcrun notarytool submit "$dmg" --keychain-profile "$HAL0_NOTARY_PROFILE" --wait
    xcrun stapler staple "$dmg"
fi
echo "$dmg"
