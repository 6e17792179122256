// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Requirements over leaves
/// @notice Reverse Polish: one byte per leaf (its index), three per group (0x80, k, n: at least k of the n values before
/// it). `all` is n of n, `any` is 1 of n. Core writes the same formulas.
library Formula {
    uint256 internal constant MAX_LEAVES = 8;
    uint256 internal constant MAX_BYTES = 64;
    uint256 private constant GROUP = 0x80;
    /// On the checker's stack: not a bare leaf.
    uint256 private constant COMPOUND = 0xff;

    /// The formula is malformed at this byte, or (at its length) leaves no single value or a leaf unused.
    error BadFormula(uint256 offset);
    /// No leaves, or more than eight.
    error BadLeafCount(uint256 leaves);
    /// A group counts one leaf twice.
    error LeafCountedTwice(uint256 leaf);

    /// @notice Reverts unless the formula is well-formed, uses every leaf and counts none twice in a group.
    function check(bytes calldata formula, uint256 leaves) internal pure {
        if (leaves == 0 || leaves > MAX_LEAVES) revert BadLeafCount(leaves);
        uint256 length = formula.length;
        if (length > MAX_BYTES) revert BadFormula(MAX_BYTES);
        uint256[MAX_BYTES] memory stack;
        uint256 depth = 0;
        uint256 used = 0;
        uint256 i = 0;
        while (i < length) {
            uint256 op = uint8(formula[i]);
            if (op < GROUP) {
                if (op >= leaves) revert BadFormula(i);
                used |= 1 << op;
                stack[depth++] = op;
                ++i;
                continue;
            }
            if (op != GROUP || i + 2 >= length) revert BadFormula(i);
            uint256 k = uint8(formula[i + 1]);
            uint256 n = uint8(formula[i + 2]);
            if (k == 0 || k > n || n > depth) revert BadFormula(i);
            depth -= n;
            _checkDistinct(stack, depth, n);
            // A group of one is what it groups.
            if (n != 1) stack[depth] = COMPOUND;
            ++depth;
            i += 3;
        }
        if (depth != 1 || used != (1 << leaves) - 1) revert BadFormula(length);
    }

    /// @notice Whether satisfied leaves meet a formula that {check} let pass.
    /// @param satisfied Bit i for leaf i.
    function met(bytes memory formula, uint256 satisfied) internal pure returns (bool) {
        // A stack of bits, the top at bit 0: at most 64 of them.
        uint256 stack = 0;
        uint256 i = 0;
        while (i < formula.length) {
            uint256 op = uint8(formula[i]);
            uint256 value = 0;
            if (op < GROUP) {
                value = (satisfied >> op) & 1;
                ++i;
            } else {
                uint256 count = 0;
                for (uint256 n = uint8(formula[i + 2]); n != 0; --n) {
                    count += stack & 1;
                    stack >>= 1;
                }
                value = count >= uint8(formula[i + 1]) ? 1 : 0;
                i += 3;
            }
            stack = (stack << 1) | value;
        }
        return stack == 1;
    }

    function _checkDistinct(uint256[MAX_BYTES] memory stack, uint256 from, uint256 n) private pure {
        uint256 seen = 0;
        for (uint256 j = from; j < from + n; ++j) {
            uint256 leaf = stack[j];
            if (leaf == COMPOUND) continue;
            if ((seen >> leaf) & 1 == 1) revert LeafCountedTwice(leaf);
            seen |= 1 << leaf;
        }
    }
}
