// npm run node -w examples/help-desk: a node as a process of its own. It prints an event a line, and ends with its standard input.
import { startNode } from '../src/node.ts'

const { RPC_URL = '', PRIVATE_KEY = '', DIRECTORY = '', MINIMUM_PRICE_WEI = '0' } = process.env

async function main(): Promise<void> {
  let close = async (): Promise<void> => undefined
  const stack = await startNode({
    rpcUrl: RPC_URL,
    privateKey: PRIVATE_KEY as `0x${string}`,
    directory: DIRECTORY,
    minimumPriceWei: BigInt(MINIMUM_PRICE_WEI),
    listener: (event) => {
      process.stdout.write(
        `${JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`,
      )
      // Stopped by an error: without its intake the process is of no use.
      if (event.type === 'ended') {
        process.exitCode = 1
        process.stdin.destroy()
        void close()
      }
    },
  })
  close = () => stack.close()
  process.stdin.resume()
  process.stdin.once('end', () => void stack.close())
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
