import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const home = join(__dirname, '..')

/** What the README's example of a vendor prints, as it stands there, in a folder with these files. */
export async function runExample(
  vendor: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<string> {
  const readme = await readFile(join(home, 'README.md'), 'utf8')
  const code = new RegExp(`\`\`\`ts run ${vendor}\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1]
  if (code === undefined) throw new Error('no example')
  const directory = join(home, 'node_modules', `.readme-${vendor}-${process.pid}`)
  await mkdir(directory, { recursive: true })
  try {
    for (const [name, content] of Object.entries({ 'example.mts': code, ...files }))
      await writeFile(join(directory, name), content)
    const tsx = join(home, '..', '..', 'node_modules', 'tsx', 'dist', 'cli.mjs')
    const { stdout } = await run(process.execPath, [tsx, '--conditions=@veristack/source', 'example.mts'], {
      cwd: directory,
    })
    return stdout
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
