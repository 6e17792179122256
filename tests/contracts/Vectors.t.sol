// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Claim, Commitment, Policy, Request, Terms, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Scene} from "./lib/Scene.sol";

/// The digests of Claim.sol are those that core computes, on its test vectors.
contract VectorsTest is Scene {
    string internal json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("packages/core/src/claim/vectors/claim-v1.json");
    }

    function path(string memory list, uint256 i, string memory member) internal pure returns (string memory) {
        return string.concat(".", list, "[", decimal(i), "].", member);
    }

    function decimal(uint256 i) internal pure returns (string memory) {
        return i < 10
            ? string(abi.encodePacked(uint8(48 + i)))
            : string.concat(decimal(i / 10), string(abi.encodePacked(uint8(48 + i % 10))));
    }

    function has(string memory list, uint256 i) internal view returns (bool) {
        return vm.keyExistsJson(json, string.concat(".", list, "[", decimal(i), "]"));
    }

    function word(string memory list, uint256 i, string memory member) internal view returns (bytes32) {
        return vm.parseJsonBytes32(json, path(list, i, member));
    }

    function number(string memory list, uint256 i, string memory member) internal view returns (uint256) {
        return vm.parseJsonUint(json, path(list, i, member));
    }

    function account(string memory list, uint256 i, string memory member) internal view returns (address) {
        return vm.parseJsonAddress(json, path(list, i, member));
    }

    function text(string memory list, uint256 i, string memory member) internal view returns (string memory) {
        return vm.parseJsonString(json, path(list, i, member));
    }

    function test_typeHashes() public view {
        bytes32[8] memory own = [
            TypedData.DOMAIN_TYPEHASH,
            TypedData.COMMITMENT_TYPEHASH,
            TypedData.POLICY_TYPEHASH,
            TypedData.LEAF_TYPEHASH,
            TypedData.REQUIREMENT_TYPEHASH,
            TypedData.TERMS_TYPEHASH,
            TypedData.REQUEST_TYPEHASH,
            TypedData.CLAIM_TYPEHASH
        ];
        for (uint256 i = 0; i < 8; ++i) {
            assertEq(own[i], word("types", i, "typeHash"));
        }
        assertTrue(!has("types", 8), "every type");
    }

    function test_domains() public view {
        uint256 i = 0;
        for (; has("domains", i); ++i) {
            bytes32 own = TypedData.domainSeparator(number("domains", i, "chainId"), account("domains", i, "contract"));
            assertEq(own, word("domains", i, "separator"));
        }
        assertTrue(i > 0, "some");
    }

    function test_commitments() public view {
        uint256 i = 0;
        for (; has("commitments", i); ++i) {
            uint256 n = 0;
            while (vm.keyExistsJson(json, element(i, "tensors", n))) ++n;
            Commitment[] memory list = new Commitment[](n);
            for (uint256 j = 0; j < n; ++j) {
                list[j] = Commitment(
                    vm.parseJsonString(json, element(i, "tensors", j)),
                    vm.parseJsonString(json, element(i, "schemes", j)),
                    vm.parseJsonBytes(json, element(i, "values", j))
                );
            }
            assertEq(this.listHash(list), word("commitments", i, "digest"));
        }
        assertTrue(i > 0, "some");
    }

    function element(uint256 i, string memory member, uint256 j) internal pure returns (string memory) {
        return string.concat(path("commitments", i, member), "[", decimal(j), "]");
    }

    function test_policies() public view {
        uint256 i = 0;
        for (; has("policies", i); ++i) {
            Policy memory p = Policy({
                tier: text("policies", i, "tier"),
                verifier: account("policies", i, "verifier"),
                codeHash: word("policies", i, "codeHash"),
                params: vm.parseJsonBytes(json, path("policies", i, "params")),
                offchain: word("policies", i, "offchainDigest")
            });
            assertEq(this.policyHash(p), word("policies", i, "digest"));
        }
        assertTrue(i > 0, "some");
    }

    function policyHash(Policy calldata p) external pure returns (bytes32) {
        return TypedData.hash(p);
    }

    function test_requirements() public view {
        uint256 i = 0;
        for (; has("requirements", i); ++i) {
            uint256 n = 0;
            while (vm.keyExistsJson(json, leafPath(i, n))) ++n;
            bytes32[] memory leaves = new bytes32[](n);
            for (uint256 j = 0; j < n; ++j) {
                leaves[j] = vm.parseJsonBytes32(json, leafPath(i, j));
            }
            bytes memory formula = vm.parseJsonBytes(json, path("requirements", i, "formula"));
            assertEq(this.requirementHash(leaves, formula), word("requirements", i, "digest"));
        }
        assertTrue(i > 0, "some");
    }

    function leafPath(uint256 i, uint256 j) internal pure returns (string memory) {
        return string.concat(path("requirements", i, "leaves"), "[", decimal(j), "]");
    }

    function test_terms() public view {
        uint256 i = 0;
        for (; has("terms", i); ++i) {
            Terms memory t = Terms(word("terms", i, "applicationDigest"), word("terms", i, "settlement"));
            assertEq(TypedData.hash(t), word("terms", i, "digest"));
        }
        assertTrue(i > 0, "some");
    }

    function test_requests() public view {
        uint256 i = 0;
        for (; has("requests", i); ++i) {
            Request memory r = Request({
                program: word("requests", i, "program"),
                inputs: word("requests", i, "inputs"),
                requirement: word("requests", i, "requirement"),
                terms: word("requests", i, "terms"),
                payer: account("requests", i, "payer"),
                priceWei: number("requests", i, "priceWei"),
                nonce: word("requests", i, "nonce"),
                chainId: number("requests", i, "chainId"),
                verifyingContract: account("requests", i, "contract"),
                expiresAt: uint64(number("requests", i, "expiresAt"))
            });
            assertEq(TypedData.id(r), word("requests", i, "id"));
        }
        assertTrue(i > 0, "some");
    }

    function test_claims() public view {
        uint256 i = 0;
        for (; has("claims", i); ++i) {
            Claim memory c = Claim({
                request: word("claims", i, "request"),
                program: word("claims", i, "program"),
                inputs: word("claims", i, "inputs"),
                outputs: word("claims", i, "outputs"),
                requirement: word("claims", i, "requirement"),
                claimant: account("claims", i, "claimant"),
                chainId: number("claims", i, "chainId"),
                verifyingContract: account("claims", i, "contract"),
                expiresAt: uint64(number("claims", i, "expiresAt"))
            });
            bytes32 digest = TypedData.digest(c);
            assertEq(digest, word("claims", i, "digest"));
            bytes memory own = signed(uint256(word("claims", i, "privateKey")), digest);
            assertEq(keccak256(own), keccak256(vm.parseJsonBytes(json, path("claims", i, "signature"))));
        }
        assertTrue(i > 0, "some");
    }
}
