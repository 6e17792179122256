// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Policy, Request, Terms, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Formula} from "./Formula.sol";
import {ISettlement, Order, SettlementTerms, State} from "./ISettlement.sol";

/// @title What an order must be
/// @notice The settlement contract and its double refuse by the same rules. For contracts that ask: {terms} and {hash}
/// give what a request's `terms` must be.
library Orders {
    bytes32 internal constant SETTLEMENT_TERMS_TYPEHASH = keccak256(
        "SettlementTerms(address token,address exclusiveClaimant,uint64 exclusiveUntil,uint64 validUntil,uint32 graceSeconds,address callbackTarget,uint32 callbackGas,uint8 callbackState,uint96 tipWei)"
    );
    uint256 internal constant MAX_CALLBACK_GAS = 2_000_000;
    uint256 internal constant MAX_LIFETIME = 366 days;
    uint256 internal constant MAX_GRACE = 90 days;

    /// @notice The id of this order's request at the contract that asks for it.
    function id(Order calldata order) internal view returns (bytes32) {
        return TypedData.id(
            Request({
                program: order.request.program,
                inputs: order.request.inputs,
                requirement: order.request.requirement,
                terms: order.request.terms,
                payer: order.request.payer,
                priceWei: order.request.priceWei,
                nonce: order.request.nonce,
                chainId: block.chainid,
                verifyingContract: address(this),
                expiresAt: order.request.expiresAt
            })
        );
    }

    /// @notice The EIP-712 struct hash of a settlement contract's terms.
    function hash(SettlementTerms memory t) internal pure returns (bytes32) {
        // Static members only: the encoding of the struct is its members' in order.
        return keccak256(abi.encode(SETTLEMENT_TERMS_TYPEHASH, t));
    }

    /// @notice What the request's `terms` must be.
    /// @param application Digest of the application's own facts.
    function terms(bytes32 application, SettlementTerms memory t) internal pure returns (bytes32) {
        return TypedData.hash(Terms(application, hash(t)));
    }

    /// @notice Reverts unless this can be placed now by the sender, escrow and nonce apart.
    function check(Order calldata order, Policy[] calldata policies, bytes calldata formula) internal view {
        checkTerms(order);
        uint64 expiresAt = order.request.expiresAt;
        if (expiresAt < block.timestamp || expiresAt > block.timestamp + MAX_LIFETIME) {
            revert ISettlement.BadExpiry(expiresAt);
        }
        if (order.request.payer != msg.sender) revert ISettlement.NotPayer(order.request.payer, msg.sender);

        Formula.check(formula, policies.length);
        bytes32[] memory leaves = new bytes32[](policies.length);
        bytes32[] memory asked = new bytes32[](policies.length);
        for (uint256 i = 0; i < policies.length; ++i) {
            checkVerifier(policies[i]);
            leaves[i] = TypedData.leaf(policies[i]);
            asked[i] = keccak256(abi.encode(policies[i].verifier, keccak256(policies[i].params)));
            for (uint256 j = 0; j < i; ++j) {
                if (asked[i] == asked[j]) revert ISettlement.DuplicateLeaf(j, i);
            }
        }
        checkRequirement(order, leaves, formula);
    }

    /// @notice Reverts unless the terms are well-formed and the ones in the request.
    function checkTerms(Order calldata order) internal view {
        SettlementTerms calldata t = order.terms;
        bool calls = t.callbackTarget != address(0);
        if (
            calls != (t.callbackGas != 0) || t.callbackGas > MAX_CALLBACK_GAS || t.callbackTarget == address(this)
                || !(calls
                        ? t.callbackState == uint8(State.Accepted) || t.callbackState == uint8(State.Delivered)
                        : t.callbackState == 0)
        ) revert ISettlement.BadCallback(t.callbackTarget, t.callbackGas, t.callbackState);
        if (t.validUntil != 0 && (t.validUntil < order.request.expiresAt || t.validUntil > type(uint32).max)) {
            revert ISettlement.BadValidity(t.validUntil);
        }
        if (t.graceSeconds > MAX_GRACE) revert ISettlement.BadGrace(t.graceSeconds);
        if ((t.exclusiveClaimant == address(0)) != (t.exclusiveUntil == 0)) {
            revert ISettlement.BadExclusivity(t.exclusiveClaimant, t.exclusiveUntil);
        }
        bytes32 actual = terms(order.application, t);
        if (actual != order.request.terms) revert ISettlement.TermsMismatch(order.request.terms, actual);
    }

    /// @notice Reverts unless leaves and formula are the ones in the request.
    function checkRequirement(Order calldata order, bytes32[] memory leaves, bytes calldata formula) internal pure {
        bytes32 actual = TypedData.requirement(leaves, formula);
        if (actual != order.request.requirement) {
            revert ISettlement.RequirementMismatch(order.request.requirement, actual);
        }
    }

    /// @notice Reverts unless the pinned verifier's code is at its address.
    function checkVerifier(Policy calldata policy) internal view {
        if (!isPinned(policy)) {
            revert ISettlement.VerifierChanged(policy.verifier, policy.codeHash, policy.verifier.codehash);
        }
    }

    function isPinned(Policy calldata policy) internal view returns (bool) {
        return policy.verifier.code.length != 0 && policy.verifier.codehash == policy.codeHash;
    }
}
