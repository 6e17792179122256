const view = <N extends string>(name: N, inputs: readonly string[], outputs: readonly string[]) =>
  ({
    type: 'function',
    name,
    stateMutability: 'view',
    inputs: inputs.map((type) => ({ name: '', type })),
    outputs: outputs.map((type) => ({ name: '', type })),
  }) as const
const change = <N extends string>(name: N, inputs: readonly string[], outputs: readonly string[]) =>
  ({ ...view(name, inputs, outputs), stateMutability: 'nonpayable' }) as const
const error = <N extends string>(name: N, inputs: readonly string[]) =>
  ({ type: 'error', name, inputs: inputs.map((type) => ({ name: '', type })) }) as const

/** Refusals by ERC-6093 and by OpenZeppelin's EIP-2612, which the settlement contract hands on as they are. */
export const tokenErrors = [
  error('ERC20InsufficientBalance', ['address', 'uint256', 'uint256']),
  error('ERC20InvalidSender', ['address']),
  error('ERC20InvalidReceiver', ['address']),
  error('ERC20InsufficientAllowance', ['address', 'uint256', 'uint256']),
  error('ERC20InvalidApprover', ['address']),
  error('ERC20InvalidSpender', ['address']),
  error('ERC2612ExpiredSignature', ['uint256']),
  error('ERC2612InvalidSigner', ['address', 'address']),
] as const

/** The parts of ERC-20, EIP-2612 and EIP-5267 that paying in a token takes. */
export const tokenAbi = [
  change('approve', ['address', 'uint256'], ['bool']),
  change('permit', ['address', 'address', 'uint256', 'uint256', 'uint8', 'bytes32', 'bytes32'], []),
  view('allowance', ['address', 'address'], ['uint256']),
  view('balanceOf', ['address'], ['uint256']),
  view('nonces', ['address'], ['uint256']),
  view('name', [], ['string']),
  view('version', [], ['string']),
  view('DOMAIN_SEPARATOR', [], ['bytes32']),
  view('PERMIT_TYPEHASH', [], ['bytes32']),
  view('eip712Domain', [], ['bytes1', 'string', 'string', 'uint256', 'address', 'bytes32', 'uint256[]']),
  ...tokenErrors,
] as const
