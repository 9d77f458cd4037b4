// Says in one sentence what is missing when the pinned Node was not installed; plain JavaScript, because an old Node runs it.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    `this repository runs on its own Node 26, which \`npm ci\` installs as an optional dependency, but found ${process.version}.\n` +
      "Run `npm ci --include=optional` (platforms: Linux and Windows x64, Linux arm64, macOS), or use Node 24 or newer.",
  );
  process.exit(2);
}
