/** @type {import('jest').Config} */
export default {
  roots: ['<rootDir>/packages', '<rootDir>/examples', '<rootDir>/tests'],
  testMatch: process.env.VERISTACK_DEEP ? ['**/deep/**/*.test.ts'] : ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', ...(process.env.VERISTACK_DEEP ? [] : ['/deep/'])],
  modulePathIgnorePatterns: ['/dist/'],
  testEnvironment: '<rootDir>/tests/environment.cjs',
  // Workspace packages resolve to their sources, so a test never runs against a stale build.
  testEnvironmentOptions: { customExportConditions: ['@veristack/source', 'node', 'node-addons'] },
  transform: {
    '\\.[cm]?[jt]s$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true },
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!@noble/)'],
  testTimeout: 60_000,
}
