'use strict'
// Native modules compare typed arrays with the host's constructors, which differ from those of jest's VM context.
const { TestEnvironment } = require('jest-environment-node')

module.exports = class HostTypedArrays extends TestEnvironment {
  constructor(config, context) {
    super(config, context)
    for (const name of [
      'ArrayBuffer',
      'Uint8Array',
      'Int8Array',
      'Uint16Array',
      'Int16Array',
      'Uint32Array',
      'Int32Array',
      'Float32Array',
      'Float64Array',
      'BigInt64Array',
      'BigUint64Array',
      'Uint8ClampedArray',
    ]) {
      this.global[name] = globalThis[name]
    }
  }
}
