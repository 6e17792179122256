import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import type { Hex } from '@veristack/core'

/** For tests: tokens of all sorts, over OpenZeppelin's. */
const SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// Without permits.
contract Plain is ERC20 {
    constructor() ERC20("Plain", "PLAIN") {}
    function mint(address to, uint256 amount) external { _mint(to, amount); }
}

contract Coin is ERC20, ERC20Permit {
    constructor() ERC20("Coin", "COIN") ERC20Permit("Coin") {}
    function mint(address to, uint256 amount) external { _mint(to, amount); }
}

/// Returns nothing, and wants an allowance to be zero before it is another.
contract Strict {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    function mint(address to, uint256 amount) external { balanceOf[to] += amount; }
    function approve(address spender, uint256 amount) external {
        require(amount == 0 || allowance[msg.sender][spender] == 0);
        allowance[msg.sender][spender] = amount;
    }
    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }
}

/// States the domain of another token, so that a permit for that one is signed.
contract Imposter is Plain {
    Coin private immutable _coin = new Coin();
    function DOMAIN_SEPARATOR() external view returns (bytes32) { return _coin.DOMAIN_SEPARATOR(); }
    function nonces(address owner) external view returns (uint256) { return _coin.nonces(owner); }
}

/// From before EIP-5267, with a version of its own.
contract Dollar is Plain {
    string public constant version = "2";
    mapping(address => uint256) public nonces;
    bytes32 public constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(abi.encode(
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            keccak256(bytes(name())), keccak256(bytes(version)), block.chainid, address(this)
        ));
    }
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        require(block.timestamp <= deadline);
        bytes32 hash = keccak256(abi.encode(PERMIT_TYPEHASH, owner, spender, value, nonces[owner]++, deadline));
        require(owner == ecrecover(keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), hash)), v, r, s));
        _approve(owner, spender, value);
    }
}

/// Has a permit of another form, as DAI has.
contract Other is Plain {
    bytes32 public constant PERMIT_TYPEHASH =
        keccak256("Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)");
    bytes32 public constant DOMAIN_SEPARATOR = 0;
    mapping(address => uint256) public nonces;
}
`
export const TOKENS = ['Plain', 'Coin', 'Strict', 'Imposter', 'Dollar', 'Other'] as const
export type TokenName = (typeof TOKENS)[number]

/** Creation code of each. */
export function compileTokens(): Readonly<Record<TokenName, Hex>> {
  const require = createRequire(resolve(__dirname, 'tokens.fixture.ts'))
  const input = {
    language: 'Solidity',
    sources: { 'Tokens.sol': { content: SOURCE } },
    settings: { evmVersion: 'osaka', outputSelection: { 'Tokens.sol': { '*': ['evm.bytecode.object'] } } },
  }
  const find = (name: string) => ({ contents: readFileSync(require.resolve(name), 'utf8') })
  const { errors = [], contracts } = JSON.parse(require('solc').compile(JSON.stringify(input), { import: find })) as {
    readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
    readonly contracts: Readonly<
      Record<string, Readonly<Record<string, { readonly evm: { readonly bytecode: { readonly object: string } } }>>>
    >
  }
  const wrong = errors.filter((e) => e.severity === 'error').map((e) => e.formattedMessage)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  return Object.fromEntries(
    TOKENS.map((name) => [name, `0x${contracts['Tokens.sol']?.[name]?.evm.bytecode.object}`]),
  ) as Record<TokenName, Hex>
}

/** What tests do with a token beside paying. */
export const mintAbi = [
  {
    type: 'function',
    name: 'mint',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'to', type: 'address' },
      { name: 'amount', type: 'uint256' },
    ],
    outputs: [],
  },
  {
    type: 'function',
    name: 'balanceOf',
    stateMutability: 'view',
    inputs: [{ name: 'owner', type: 'address' }],
    outputs: [{ name: '', type: 'uint256' }],
  },
  {
    type: 'function',
    name: 'permit',
    stateMutability: 'nonpayable',
    inputs: ['address', 'address', 'uint256', 'uint256', 'uint8', 'bytes32', 'bytes32'].map((type) => ({
      name: '',
      type,
    })),
    outputs: [],
  },
] as const
