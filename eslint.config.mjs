import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

/** Each driver has one owner; everybody else goes through that package's port. */
const DRIVER_OWNERS = {
  '@prisma/*': ['db'],
  'pg-copy-streams': ['db'],
  pg: ['db', 'testing'],
  ioredis: ['cache', 'testing'],
  keyv: ['cache'],
  '@keyv/*': ['cache'],
  'lru-cache': ['cache'],
  piscina: ['agent-pool'],
  '@prometheus-io/client': ['monitoring'],
  pino: ['monitoring'],
  'pg-boss': ['orchestrator'],
  fastify: ['orchestrator'],
  testcontainers: ['testing'],
  '@testcontainers/*': ['testing'],
}
const PACKAGES = [
  'contracts',
  'postgres-server',
  'config',
  'db',
  'cache',
  'monitoring',
  'agent-pool',
  'procurement',
  'testing',
  'orchestrator',
]

const layerConstraints = [
  { sourceTag: 'layer:contracts', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'layer:base', onlyDependOnLibsWithTags: ['layer:contracts'] },
  { sourceTag: 'layer:lib', onlyDependOnLibsWithTags: ['layer:contracts', 'layer:base'] },
  { sourceTag: 'layer:testing', onlyDependOnLibsWithTags: ['layer:contracts', 'layer:base'] },
  { sourceTag: 'layer:app', onlyDependOnLibsWithTags: ['layer:contracts', 'layer:lib'] },
  { sourceTag: 'layer:tools', onlyDependOnLibsWithTags: ['*'] },
]
const driverConstraints = PACKAGES.map((name) => ({
  sourceTag: `pkg:${name}`,
  onlyDependOnLibsWithTags: ['*'],
  bannedExternalImports: Object.keys(DRIVER_OWNERS).filter((driver) => !DRIVER_OWNERS[driver].includes(name)),
}))
const boundaries = (constraints) => ['error', { enforceBuildableLibDependency: false, allow: [], depConstraints: constraints }]

/** Tests, and only tests, may also use the test kit and the workspace's own tools. */
const withTestKit = layerConstraints.map((constraint) => ({
  ...constraint,
  onlyDependOnLibsWithTags: [...constraint.onlyDependOnLibsWithTags, 'layer:testing', 'layer:tools'],
}))
/** A constraint with an empty list forbids nothing unless it names a tag that nothing has. */
const sealed = (constraints) =>
  constraints.map((constraint) => ({
    ...constraint,
    onlyDependOnLibsWithTags: constraint.onlyDependOnLibsWithTags.length === 0 ? ['layer:none'] : constraint.onlyDependOnLibsWithTags,
  }))

const TEST_FILES = ['**/*.test.ts', '**/*.test-d.ts', '**/test/**/*.ts', '**/bench/**/*.ts']

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/test-output', '**/src/generated', '.nx', '**/.data', '**/*.timestamp*'] },
  { files: ['**/*.ts'], extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked] },
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@nx/enforce-module-boundaries': boundaries([...sealed(layerConstraints), ...driverConstraints]),
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', { max: 4 }],
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportAllDeclaration', message: 'List the public names one by one: `export *` hides what a package offers.' },
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        {
          selector: 'CatchClause > BlockStatement[body.length=0]',
          message: 'Catch to translate, to retry or to report; otherwise let it pass.',
        },
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: 'Only packages/config reads the environment.',
        },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      // An async function without await keeps its contract: it rejects, and never throws.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      // It refuses the idiom `Promise.withResolvers<void>()`.
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/unified-signatures': 'off',
    },
  },
  {
    files: TEST_FILES,
    rules: {
      '@nx/enforce-module-boundaries': boundaries([...sealed(withTestKit), ...driverConstraints]),
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 600 }],
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': ['error', { selector: 'ExportAllDeclaration', message: 'List names one by one.' }],
    },
  },
  {
    files: ['**/*.config.ts'],
    rules: { '@nx/enforce-module-boundaries': 'off', 'no-restricted-syntax': 'off' },
  },
)
