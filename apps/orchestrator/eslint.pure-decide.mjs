/** The plan interpreter is replayed from stored events: the same events must give the same commands on any machine, at any time. */
const PURITY = 'decide() is pure: no clock and no chance; what it needs to know comes as an event.'

const IMPURE = ['Date', 'performance', 'crypto', 'process', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch']

/** Types may be imported from anywhere, code only from what is held to the same rules: other could bring in what is refused here. */
const pure = (files, allowedImports) => ({
  files: [files],
  rules: {
    'no-restricted-globals': ['error', ...IMPURE.map((name) => ({ name, message: PURITY }))],
    'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: PURITY }],
    '@typescript-eslint/no-restricted-imports': [
      'error',
      { patterns: [{ regex: allowedImports, allowTypeImports: true, message: PURITY }] },
    ],
  },
})

export const pureDecide = [
  pure('src/engine/decide.ts', String.raw`^(?!\./decide/[a-z-]+\.ts$)`),
  pure('src/engine/decide/*.ts', String.raw`^(?!\./[a-z-]+\.ts$)`),
]
