/** What is said once everything runs: what to open, what to try, where the data is. */
export function welcome(
  running: { url: string; dataDir: string; defaultUrl: string; command: string },
  useColours: boolean,
): string {
  const { url, dataDir, command } = running;
  const strong = (text: string) => (useColours ? `\x1b[1m${text}\x1b[0m` : text);
  // The command finds the default port by itself.
  const holdfast = url === running.defaultUrl ? command : `HOLDFAST_URL=${url} ${command}`;
  return `
${strong('Holdfast is running.')}

  Open
    ${strong(`${url}/docs`)}              the API and its documentation
    ${strong(`${url}/content/<path>`)}    the content (local origin)
    ${strong(`${url}/v1/health`)}         how it is

  Try in another terminal
    ${strong(`${holdfast} publish <dir>`)}    publish every .json file below a directory
    ${strong(`${holdfast} status`)}           see what runs and how far it is
    ${strong(`${holdfast} mode`)}             see where readers are sent

  Data    ${dataDir}
  Stop    Ctrl-C

`;
}
