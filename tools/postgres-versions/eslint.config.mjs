import workspace from '../../eslint.config.mjs'

export default [
  ...workspace,
  {
    // Programs for developers: they start others in the environment that they were given.
    files: ['src/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', { selector: 'ExportAllDeclaration', message: 'List names one by one.' }] },
  },
]
