import { isVeristackError } from '@veristack/core'
import { matmul } from './models.fixture.ts'
import { openSession } from './session.ts'

jest.mock('onnxruntime-node', () => {
  throw Object.assign(new Error("Cannot find module 'onnxruntime-node'"), { code: 'MODULE_NOT_FOUND' })
})

test('where onnxruntime-node is absent the error names it', async () => {
  const error = await openSession(matmul()).catch((e: unknown) => e)
  expect(isVeristackError(error, 'VS_ONNX_RUNTIME_MISSING') && error.details).toEqual({ package: 'onnxruntime-node' })
  expect(String(error)).toContain('npm install onnxruntime-node')
})
