// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Formula} from "@veristack/settlement-evm/contracts/Formula.sol";
import {Test} from "./lib/Test.sol";

contract FormulaTest is Test {
    function check(bytes calldata formula, uint256 leaves) external pure {
        Formula.check(formula, leaves);
    }

    function met(bytes calldata formula, uint256 satisfied) external pure returns (bool) {
        return Formula.met(formula, satisfied);
    }

    function refuses(bytes memory formula, uint256 leaves, bytes memory why) internal {
        vm.expectRevert(why);
        this.check(formula, leaves);
    }

    function bad(bytes memory formula, uint256 leaves, uint256 offset) internal {
        refuses(formula, leaves, abi.encodeWithSelector(Formula.BadFormula.selector, offset));
    }

    function test_wellFormed() public view {
        this.check(hex"00", 1);
        this.check(hex"00800101", 1);
        this.check(hex"0001800202", 2);
        this.check(hex"000102800203", 3);
        this.check(hex"0001800202" hex"02800102", 3); // a value in a group beside a leaf
        this.check(hex"00018002020002800202800102", 3); // any of (0 and 1), (0 and 2)
        this.check(hex"0001020304050607800808", 8);
    }

    function test_malformed() public {
        bad("", 1, 0);
        bad(hex"01", 1, 0); // no such leaf
        bad(hex"0000", 1, 2); // two values at the end
        bad(hex"00", 2, 1); // a leaf unused
        bad(hex"81", 1, 0); // no such opcode
        bad(hex"00ff0101", 1, 1);
        bad(hex"0080", 1, 1); // cut off
        bad(hex"008001", 1, 1);
        bad(hex"00800001", 1, 1); // at least none
        bad(hex"00800201", 1, 1); // more than there are
        bad(hex"00800000", 1, 1);
        bad(hex"00800102", 1, 1); // a group of more than stands before it
        bad(hex"80010100", 1, 0);
        bytes memory long = new bytes(65);
        bad(long, 1, 64);
        refuses(hex"00", 0, abi.encodeWithSelector(Formula.BadLeafCount.selector, 0));
        refuses(hex"00", 9, abi.encodeWithSelector(Formula.BadLeafCount.selector, 9));
    }

    function test_noLeafIsCountedTwice() public {
        refuses(hex"0000800202", 1, abi.encodeWithSelector(Formula.LeafCountedTwice.selector, 0));
        refuses(hex"000101800203", 2, abi.encodeWithSelector(Formula.LeafCountedTwice.selector, 1));
        // Nor by wrapping it in groups of one.
        refuses(hex"0000800101800202", 1, abi.encodeWithSelector(Formula.LeafCountedTwice.selector, 0));
        refuses(hex"00800101800101" hex"00800202", 1, abi.encodeWithSelector(Formula.LeafCountedTwice.selector, 0));
    }

    function test_meaning() public view {
        for (uint256 x = 0; x < 8; ++x) {
            uint256 count = (x & 1) + ((x >> 1) & 1) + (x >> 2);
            assertTrue(this.met(hex"000102800303", x) == (count == 3), "all");
            assertTrue(this.met(hex"000102800103", x) == (count >= 1), "any");
            assertTrue(this.met(hex"000102800203", x) == (count >= 2), "two of three");
            bool either = (x & 3 == 3) || (x & 5 == 5);
            assertTrue(this.met(hex"00018002020002800202800102", x) == either, "any of alls");
        }
    }

    /// A formula made from a random tree means what the tree means, whatever is satisfied.
    function testFuzz_randomTrees(uint256 seed) public view {
        (bytes memory formula, uint256 used, uint256[] memory tree) = grow(seed);
        if (formula.length > 64) return;
        uint256 all = 0;
        while ((used >> all) & 1 == 1) ++all;
        if (used != (1 << all) - 1) return; // some leaf unused: not for the checker
        try this.check(formula, all) {} catch {
            return;
        }
        for (uint256 x = 0; x < 1 << all; ++x) {
            bool now_ = this.met(formula, x);
            assertTrue(now_ == truth(tree, x), "tree");
            if (x == (1 << all) - 1) assertTrue(now_, "all leaves meet it");
            if (x == 0) assertTrue(!now_, "none meets nothing");
        }
    }

    /// A group of groups: tree = n, k, then for each inner group m, j, leaf mask.
    function grow(uint256 seed) private pure returns (bytes memory formula, uint256 used, uint256[] memory tree) {
        uint256 n = 1 + seed % 3;
        uint256 k = 1 + (seed >> 8) % n;
        tree = new uint256[](2 + 2 * n);
        (tree[0], tree[1]) = (n, k);
        for (uint256 i = 0; i < n; ++i) {
            uint256 mask = (seed >> (16 + 16 * i)) % 31 + 1;
            uint256 m;
            for (uint256 leaf = 0; leaf < 5; ++leaf) {
                if ((mask >> leaf) & 1 == 0) continue;
                formula = bytes.concat(formula, bytes1(uint8(leaf)));
                ++m;
            }
            uint256 j = 1 + (seed >> (200 + 4 * i)) % m;
            formula = bytes.concat(formula, hex"80", bytes1(uint8(j)), bytes1(uint8(m)));
            used |= mask;
            (tree[2 + 2 * i], tree[3 + 2 * i]) = (j, mask);
        }
        formula = bytes.concat(formula, hex"80", bytes1(uint8(k)), bytes1(uint8(n)));
    }

    function truth(uint256[] memory tree, uint256 x) private pure returns (bool) {
        uint256 groups;
        for (uint256 i = 0; i < tree[0]; ++i) {
            uint256 count;
            for (uint256 leaf = 0; leaf < 5; ++leaf) count += ((tree[3 + 2 * i] & x) >> leaf) & 1;
            if (count >= tree[2 + 2 * i]) ++groups;
        }
        return groups >= tree[1];
    }
}
