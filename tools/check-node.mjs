// Says clearly, before anything fails in a puzzling way, that the running Node.js is too old.
// Plain JavaScript without imports, so that any Node.js can run it.
const FLOOR = [22, 19]
const [major, minor] = process.versions.node.split('.').map(Number)
const isTooOld = major < FLOOR[0] || (major === FLOOR[0] && minor < FLOOR[1])

if (isTooOld && !process.argv.includes('--install')) {
  console.error(
    `Node.js ${process.versions.node} is too old: this project needs ${FLOOR.join('.')} or newer.\n` +
      'npm ci brings its own Node.js 24, used by every "npm run ..." and "npx ...". If you installed with --ignore-scripts,\n' +
      'run "npm rebuild node", or install Node.js 24 (see .nvmrc).',
  )
  process.exit(1)
}
if (isTooOld) {
  console.error(`Installing with Node.js ${process.versions.node}; everything afterwards runs on the Node.js 24 that this installs.`)
}
