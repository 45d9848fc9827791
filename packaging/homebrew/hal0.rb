# Homebrew cask. Filled in by packaging/store_manifests.py; goes into Casks/h/hal0.rb of a tap.
cask "hal0" do
  arch arm: "arm64", intel: "x86_64"

  version "@VERSION@"
  sha256 arm:   "@SHA256 hal0-@VERSION@-macos-arm64.dmg@",
         intel: "@SHA256 hal0-@VERSION@-macos-x86_64.dmg@"

  url "https://github.com/@REPOSITORY@/releases/download/v#{version}/hal0-#{version}-macos-#{arch}.dmg"
  name "hal0"
  desc "One local endpoint for AI models, with a tray to change the model"
  homepage "https://github.com/@REPOSITORY@"

  depends_on macos: ">= :ventura"

  app "hal0.app"
  binary "#{appdir}/hal0.app/Contents/MacOS/hal0"

  uninstall quit: "io.github.hal0"

  zap trash: [
    "~/Library/Application Support/hal0",
    "~/Library/Caches/hal0",
    "~/Library/LaunchAgents/io.github.hal0.tray.plist",
    "~/Library/Logs/hal0",
  ]
end
