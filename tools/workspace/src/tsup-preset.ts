import { defineConfig, type Options } from 'tsup'

const DTS = {
  // The build emits one bundled declaration file, so project references and source conditions are off.
  compilerOptions: { composite: false, incremental: false, customConditions: [] },
}

/** Build of a published package: ESM, CommonJS and declarations from the named entries. */
export function libraryBuild(options: { readonly entry: string[] }): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry: options.entry,
    format: ['esm', 'cjs'],
    target: 'node22',
    platform: 'node',
    dts: DTS,
    sourcemap: true,
    clean: true,
    shims: true,
    silent: true,
  })
}

/** Build of an application: ESM only, workspace packages bundled, everything from the registry left outside. */
export function applicationBuild(
  options: { readonly entry: string[] | Record<string, string> } & Pick<Options, 'loader'>,
): ReturnType<typeof defineConfig> {
  return defineConfig({
    ...options,
    format: ['esm'],
    target: 'node22',
    platform: 'node',
    noExternal: [/^@cidadao\//],
    // Otherwise whatever the application does not list itself is bundled, and CommonJS inside an ESM bundle cannot load.
    skipNodeModulesBundle: true,
    esbuildOptions: (esbuild) => {
      esbuild.conditions = ['@cidadao/source']
    },
    sourcemap: true,
    clean: true,
    silent: true,
  })
}
